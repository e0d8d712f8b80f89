//! The messages `task.operation`.

use super::Checker;
use super::journal::{Kind, OfResource};
use insight_protocol::*;

impl Checker {
    pub(super) fn task_operation(&mut self, operation: &TaskOperation) {
        let TaskOperation { id, event, thread, at_ns, .. } = operation;
        // r[detail.operations]: an unknown level may have them too.
        let detail = self.header.as_ref().map(|header| &header.detail);
        let below = detail.is_some_and(|detail| matches!(detail, Detail::Structure | Detail::Polls));
        let expected = "no task.operation below detail operations";
        self.expect(!below, "detail.operations", expected, || "task.operation".to_owned());
        self.named(None, operation.location);
        self.expect_operation_names_known(operation);
        // r[operation.fields]
        let wrong = wrong_field(operation);
        let actual = || format!("{} {event}", wrong.unwrap_or_default());
        self.expect(wrong.is_none(), "operation.fields", "the fields of such an event", actual);
        // r[operation.thread-order]
        let last = self.operations.thread_ns.insert(*thread, *at_ns).unwrap_or(0);
        let actual = || format!("{at_ns} of thread {thread}");
        self.expect(*at_ns >= last, "operation.thread-order", format_args!("at_ns of at least {last}"), actual);
        match event {
            OperationEvent::Begun => self.operation_opened(operation, Kind::Operation { pending: 0, granted: 0 }),
            OperationEvent::Held => self.operation_opened(operation, Kind::Hold { exclusive: is_exclusive(operation) }),
            OperationEvent::Other(_) => {}
            _ => self.operation_goes_on(*id, operation),
        }
    }

    fn operation_opened(&mut self, operation: &TaskOperation, kind: Kind) {
        let (id, resource) = (operation.id, operation.resource);
        // r[operation.once]
        let used = self.operations.open.contains_key(&id) || self.operations.ended.contains(id.0);
        self.expect(!used, "operation.once", "an unused id", || format!("operation {id} again"));
        if !used {
            self.operations.add(id, resource, kind);
            self.expect_legal_holds(resource);
        }
    }

    fn operation_goes_on(&mut self, id: OperationId, operation: &TaskOperation) {
        let event = &operation.event;
        let Some(open) = self.operations.open.get_mut(&id) else {
            // r[operation.ended], r[operation.opened]
            let ended = self.operations.ended.contains(id.0);
            if ended || !self.operations.others {
                let rule = if ended { "operation.ended" } else { "operation.opened" };
                self.find(rule, "an operation or a hold that is open".to_owned(), format!("{event} of {id}"));
            }
            return;
        };
        let resource = open.resource;
        // r[operation.event-fits]
        let fits = match (&mut open.kind, event) {
            (Kind::Operation { pending, granted }, OperationEvent::Pending | OperationEvent::Granted) => {
                *(if *event == OperationEvent::Pending { &mut *pending } else { &mut *granted }) += 1;
                let (pending, granted) = (*pending, *granted);
                // r[operation.pending]
                let actual = || format!("pending {pending} times, and granted {granted} times");
                self.expect(
                    pending <= granted + 1,
                    "operation.pending",
                    "no pending without a granted between",
                    actual,
                );
                // r[operation.granted]
                self.expect(
                    granted <= pending + 1,
                    "operation.granted",
                    "no granted without a pending between",
                    actual,
                );
                true
            }
            (Kind::Operation { .. }, OperationEvent::Claimed | OperationEvent::Abandoned) => {
                self.operations.end(id);
                true
            }
            (Kind::Hold { .. }, OperationEvent::Released) => {
                self.operations.end(id);
                true
            }
            (Kind::Hold { .. }, OperationEvent::Moved) => {
                self.operations.remove(id);
                self.operations.add(id, resource, Kind::Hold { exclusive: is_exclusive(operation) });
                self.expect_legal_holds(resource);
                true
            }
            _ => false,
        };
        self.expect(fits, "operation.event-fits", "an event of such an operation or hold", || {
            format!("{event} of {id}")
        });
    }

    /// r[operation.hold-alone]
    fn expect_legal_holds(&mut self, resource: Option<ResourceId>) {
        let Some(resource) = resource else { return };
        let legal = self.operations.by_resource.get(&resource).is_none_or(OfResource::is_legal);
        let expected = format_args!("no other hold of resource {resource} beside an exclusive hold");
        self.expect(legal, "operation.hold-alone", expected, || "another one".to_owned());
    }

    /// r[order.introduced], r[task.completed.last], r[resource.dropped.last]
    fn expect_operation_names_known(&mut self, operation: &TaskOperation) {
        if let Some(id) = operation.task {
            self.expect_live_task(id);
        }
        if let Some(id) = operation.resource.filter(|id| !self.resources.contains_key(id)) {
            let ended = self.ended_resources.contains(id.0);
            let rule = if ended { "resource.dropped.last" } else { "order.introduced" };
            self.find(rule, "a resource that is alive".to_owned(), format!("resource {id}"));
        }
    }
}

fn is_exclusive(operation: &TaskOperation) -> bool {
    operation.mode == Some(HoldMode::Exclusive)
}

/// The first field that an event of this kind lacks, or must not have.
fn wrong_field(operation: &TaskOperation) -> Option<&'static str> {
    let TaskOperation { event, resource, joined, operation: call, mode, units, outcome, location, .. } = operation;
    let (begun, held) = (*event == OperationEvent::Begun, *event == OperationEvent::Held);
    let (moved, claimed) = (*event == OperationEvent::Moved, *event == OperationEvent::Claimed);
    let may = [
        ("joined in", joined.is_some(), begun && resource.is_none()),
        ("outcome in", outcome.is_some(), claimed),
        ("resource in", resource.is_some(), begun || held),
        ("operation in", call.is_some(), begun),
        ("mode in", mode.is_some(), held || moved),
        ("units in", units.is_some(), begun || held || moved),
        ("location in", location.is_some(), begun || held),
    ];
    let must = [
        ("no operation in", call.is_some(), begun),
        ("no resource in", resource.is_some(), held),
        ("no mode in", mode.is_some(), held || moved),
        ("no units in", units.is_some(), begun || held || moved),
    ];
    if matches!(event, OperationEvent::Other(_)) {
        return None;
    }
    let excess = may.iter().find(|(_, is_there, may)| *is_there && !may);
    let lack = must.iter().find(|(_, is_there, must)| *must && !is_there);
    excess.or(lack).map(|(words, ..)| *words)
}
