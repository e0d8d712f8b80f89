//! The descriptor of an adapter.

use super::scene::{Case, expect, same};
use insight_model::resource_kind::{self, Ends};
use insight_protocol::adapter::{Adapter, Channel, Lock, Resources, Timer};
use insight_protocol::{Capability, ResourceKind};

/// The kinds of the resources that an adapter declares.
#[derive(Debug, Default)]
pub(super) struct Declared(Vec<ResourceKind>);

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

pub(super) fn says_what_it_declares<A: Adapter>(case: &mut Case<'_, A>, declared: &Declared) -> Result<(), String> {
    let descriptor = case.adapter.descriptor();
    expect("the name", !descriptor.name.is_empty(), &descriptor.name, &"a name")?;
    expect("the version", !descriptor.version.is_empty(), &descriptor.version, &"a version")?;
    let listed = descriptor.capabilities;
    expect("the capabilities", listed.contains(&Capability::Tasks), &listed, &"`tasks` among them")?;
    for (capability, kind) in of_resources() {
        let (lists, declares) = (listed.contains(capability), declared.0.contains(&kind));
        if lists != declares {
            return Err(format!("the capability `{capability}`: listed is {lists}, and a {kind} declared {declares}"));
        }
    }
    // The header of a stream names an executor only after the executor has run something.
    case.run(|_, stage| async move { stage.reached(super::stage::Stage::END).await }, |_| Ok(()))?;
    let header = case.bench.recorder.header();
    let executors: Vec<(&str, &str)> = header.executors.iter().map(|it| (&*it.name, &*it.version)).collect();
    let expected = (descriptor.name, descriptor.version);
    expect("the executors in the header", executors.contains(&expected), &executors, &expected)?;
    // r[header.capability.true]
    let all: Vec<Capability> = header.capabilities.iter().filter(|it| listed.contains(it)).cloned().collect();
    same("the capabilities in the header", &header.capabilities, &all)
}
