//! The descriptor of an adapter.

use super::contract;
use super::scene::Running;
use insight_model::resource_kind::{self, Ends};
use insight_protocol::adapter::{Adapter, Channel, Lock, Resources, Timer};
use insight_protocol::{Capability, ResourceKind};

/// The kinds of the resources that an adapter declares.
#[derive(Debug, Default)]
pub(super) struct Declared(Vec<ResourceKind>);

impl Declared {
    pub(super) fn of(adapter: &impl Adapter) -> Declared {
        let mut declared = Declared::default();
        adapter.resources(&mut declared);
        declared
    }

    pub(super) fn has(&self, kind: &ResourceKind) -> bool {
        self.0.contains(kind)
    }
}

impl Resources for Declared {
    fn lock<L: Lock>(&mut self) {
        self.0.push(L::KIND);
    }

    fn channel<C: Channel>(&mut self) {
        self.0.push(C::KIND);
    }

    fn timer<T: Timer>(&mut self) {
        self.0.push(ResourceKind::Timer);
    }
}

/// The capabilities that need a resource of one kind. Each adapter has tasks, so joins need no declared resource.
fn of_resources() -> impl Iterator<Item = (&'static Capability, ResourceKind)> {
    let declared = resource_kind::ALL.iter().filter(|(_, definition)| definition.ends != Ends::Joined);
    declared.filter_map(|(kind, definition)| Some((definition.capability.as_ref()?, kind)))
}

fn words(capabilities: &[Capability]) -> String {
    let words: Vec<String> = capabilities.iter().map(|it| format!("{:?}", it.as_str())).collect();
    format!("[{}]", words.join(","))
}

pub(super) fn says_what_it_declares<A: Adapter>(case: &mut Running<'_, A>) {
    let declared = Declared::of(&*case.adapter);
    let descriptor = case.adapter.descriptor();
    let listed = descriptor.capabilities;
    for (field, value) in [("name", descriptor.name), ("version", descriptor.version)] {
        if value.is_empty() {
            case.find(
                contract::DESCRIPTOR,
                &format!("the {field} of the executor"),
                "a text".to_owned(),
                "\"\"".to_owned(),
            );
        }
    }
    if !listed.contains(&Capability::Tasks) {
        let expected = r#""tasks" among the capabilities"#.to_owned();
        case.find(contract::DESCRIPTOR, "the capabilities of the descriptor", expected, words(listed));
    }
    for (capability, kind) in of_resources() {
        let about = format!("the capability `{capability}`");
        match (listed.contains(capability), declared.has(&kind)) {
            (true, false) => {
                let expected = format!("`resources` shows a {kind}, or the descriptor does not list `{capability}`");
                case.find(contract::RESOURCES, &about, expected, format!("listed, and no {kind} is shown"));
            }
            (false, true) => {
                let expected = format!("the descriptor lists `{capability}`, or `resources` shows no {kind}");
                case.find(contract::RESOURCES, &about, expected, format!("not listed, and a {kind} is shown"));
            }
            (true, true) | (false, false) => {}
        }
    }
    // The header of a stream names an executor only after the executor has run something.
    case.run(|_, stage| async move { stage.over().await }, |_| Ok(()));
    let header = case.header();
    let named = header.executors.iter().any(|it| (&*it.name, &*it.version) == (descriptor.name, descriptor.version));
    if !named {
        let executors: Vec<String> = header.executors.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
        let expected = format!(
            r#"{{"type":"stream.header","executors":[{{"name":"{}","version":"{}"}}]}}"#,
            descriptor.name, descriptor.version
        );
        case.find("fields.meaning", "the executors of the header", expected, executors.join(", "));
    }
    if header.capabilities.iter().any(|it| !listed.contains(it)) {
        let expected = format!("no other capabilities than {}", words(listed));
        let about = "the capabilities of the header";
        case.find("header.capability.true", about, expected, words(&header.capabilities));
    }
}
