use super::{accept, problems, sorted, trace};
use crate::{MAX_ID, PROTOCOL_VERSION};
use serde_json::{Map, Value, json};

/// The HTTP binding as an OpenAPI 3.1 document, with the messages and replies as a reader must take them.
pub fn openapi() -> Value {
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "insight",
            "description": "The tasks of an async program and their waits. Every route is read-only, and HEAD is answered as GET without a body. SPEC.md is the normative text.",
            "version": PROTOCOL_VERSION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{
            "url": "http://127.0.0.1:{port}",
            "description": "The program that is observed, on a loopback address only.",
            "variables": { "port": { "default": "8080" } },
        }],
        // The loopback address, `Host` and `Origin` decide which clients have access.
        "security": [],
        "paths": {
            "/": page("front", "An overview for a browser."),
            "/docs/": page("docs", "The documentation, complete without a network."),
            "/docs/{name}": with_name(page("docsPage", "One page of the documentation; `docs` of a problem names one.")),
            "/v1/stream": get("stream", "`stream.header`, a snapshot, then live messages until either side closes the connection.", ndjson(), true),
            "/v1/snapshot": get("snapshot", "`stream.header` and a snapshot; the reply ends there.", ndjson(), true),
            "/v1/problems": get("problems", "The open problems, the proven ones first.", json!({
                "application/json": { "schema": { "$ref": "#/components/schemas/Problems" } }
            }), true),
            "/v1/graph.dot": get("graph", "The tasks, resources and open edges, in the format of Graphviz.", json!({
                "text/vnd.graphviz": { "schema": { "type": "string" } }
            }), true),
            "/v1/tasks/{id}/trace": with_id(get("trace", "The awaits at which the task waits, with their stacks.", json!({
                "application/json": { "schema": { "$ref": "#/components/schemas/TaskTrace" } }
            }), true)),
        },
        "components": { "schemas": schemas(), "responses": refusals() },
    });
    relocate(&mut document);
    sorted(document)
}

fn page(operation: &str, description: &str) -> Value {
    get(operation, description, json!({ "text/html": { "schema": { "type": "string" } } }), false)
}

fn with_name(mut path: Value) -> Value {
    path["parameters"] = json!([{
        "name": "name",
        "in": "path",
        "required": true,
        "description": "The name of the page, such as `deadlock`.",
        "schema": { "type": "string" },
    }]);
    path["get"]["responses"]["404"] = refusal("NotFound");
    path
}

fn with_id(mut path: Value) -> Value {
    path["parameters"] = json!([{
        "name": "id",
        "in": "path",
        "required": true,
        "description": "The id of a task.",
        "schema": { "type": "integer", "minimum": 1, "maximum": MAX_ID },
    }]);
    path["get"]["responses"]["404"] = refusal("NoTask");
    path
}

/// OpenAPI 3.1 has no keyword for a sequence of JSON texts (3.2 has `itemSchema`), so it is an extension here.
fn ndjson() -> Value {
    json!({
        "application/x-ndjson": {
            "schema": { "type": "string", "description": "One message per line. Each line ends with LF." },
            "x-itemSchema": { "$ref": "#/components/schemas/Message" },
        }
    })
}

fn get(operation: &str, description: &str, content: Value, recorder: bool) -> Value {
    let mut responses = json!({
        "200": { "description": description, "content": content },
        "400": refusal("BadRequest"),
        "403": refusal("Forbidden"),
        "405": refusal("MethodNotAllowed"),
        "408": refusal("RequestTimeout"),
        "431": refusal("HeadTooLarge"),
        "503": refusal("Busy"),
    });
    if recorder {
        responses["503"] = refusal("BusyOrNoAnswer");
    }
    json!({ "get": { "operationId": operation, "summary": description, "responses": responses } })
}

fn refusal(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}

fn refusals() -> Value {
    let text = json!({ "text/plain": { "schema": { "type": "string", "description": "The reason, in one line." } } });
    let reply = |description: &str| json!({ "description": description, "content": text });
    let mut not_allowed = reply("Another method than GET and HEAD.");
    not_allowed["headers"] = json!({ "Allow": { "schema": { "const": "GET, HEAD" } } });
    json!({
        "BadRequest": reply("Not an HTTP/1.1 request, or not an id."),
        "Forbidden": reply("`Host` is not a loopback name or address, or `Origin` is that of another machine."),
        "NotFound": reply("There is no such path."),
        "NoTask": reply("No task has had this id."),
        "MethodNotAllowed": not_allowed,
        "RequestTimeout": reply("The request's head did not arrive in time."),
        "HeadTooLarge": reply("The request's head is too large."),
        "Busy": reply("There are too many connections."),
        "BusyOrNoAnswer": reply("There are too many connections, or the recorder does not answer."),
    })
}

/// The definitions of all schemas, and the schemas themselves as `Message`, `Problems` and `TaskTrace`.
fn schemas() -> Value {
    let mut all = Map::new();
    for (name, mut schema) in [("Message", accept()), ("Problems", problems()), ("TaskTrace", trace())] {
        let root = schema.as_object_mut().expect("a schema is an object");
        if let Some(Value::Object(definitions)) = root.remove("$defs") {
            all.extend(definitions);
        }
        root.remove("$schema");
        // With an id, its references would be relative to itself.
        root.remove("$id");
        all.insert(name.to_owned(), schema);
    }
    all.into()
}

/// Changes references to the place of OpenAPI's definitions.
fn relocate(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(path)) = object.get_mut("$ref") {
                *path = path.replace("#/$defs/", "#/components/schemas/");
            }
            object.values_mut().for_each(relocate);
        }
        Value::Array(items) => items.iter_mut().for_each(relocate),
        _ => {}
    }
}
