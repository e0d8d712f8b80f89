/// The arcs of a graph, in the order of the nodes that they leave.
#[derive(Debug, Default)]
pub(crate) struct Arcs {
    /// For each node, the end of its arcs in `to`.
    ends: Vec<usize>,
    to: Vec<usize>,
}

impl Arcs {
    /// Adds the next node, which these arcs leave.
    pub(crate) fn push(&mut self, to: impl IntoIterator<Item = usize>) {
        self.to.extend(to);
        self.ends.push(self.to.len());
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The nodes that the arcs of this node lead to.
    pub(crate) fn of(&self, node: usize) -> &[usize] {
        let start = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.to[start..self.ends[node]]
    }
}

/// The strongly connected components that no arc leaves, in the order of their first nodes. The nodes of each are
/// sorted. Every walk along the arcs that does not stop stays in one of these components in the end.
///
/// Tarjan's algorithm. It has its own stack, since a chain of waits may be as long as the number of tasks.
pub(crate) fn bottom_components(arcs: &Arcs) -> Vec<Vec<usize>> {
    const UNVISITED: usize = usize::MAX;
    let mut order = vec![UNVISITED; arcs.len()];
    let mut lowest = vec![UNVISITED; arcs.len()];
    // The component of a node, once it is complete.
    let mut component = vec![UNVISITED; arcs.len()];
    let mut components = 0;
    let mut visited = 0;
    let mut open: Vec<usize> = Vec::new();
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut bottoms: Vec<Vec<usize>> = Vec::new();

    for root in 0..arcs.len() {
        if order[root] != UNVISITED {
            continue;
        }
        path.push((root, 0));
        while let Some((node, arc)) = path.last_mut() {
            let node = *node;
            if *arc == 0 {
                order[node] = visited;
                lowest[node] = visited;
                visited += 1;
                open.push(node);
            }
            if let Some(&to) = arcs.of(node).get(*arc) {
                *arc += 1;
                if order[to] == UNVISITED {
                    path.push((to, 0));
                } else if component[to] == UNVISITED {
                    lowest[node] = lowest[node].min(order[to]);
                }
                continue;
            }
            path.pop();
            if let Some(&(from, _)) = path.last() {
                lowest[from] = lowest[from].min(lowest[node]);
            }
            if lowest[node] == order[node] {
                let start = open
                    .iter()
                    .rposition(|&other| other == node)
                    .expect("a node is open until its component is complete");
                let members = &mut open[start..];
                members.iter().for_each(|&member| component[member] = components);
                // A component is complete after all components that its arcs lead to.
                if members.iter().all(|&member| arcs.of(member).iter().all(|&to| component[to] == components)) {
                    members.sort_unstable();
                    bottoms.push(members.to_vec());
                }
                open.truncate(start);
                components += 1;
            }
        }
    }
    bottoms.sort_unstable();
    bottoms
}

#[cfg(test)]
mod tests {
    use super::{Arcs, bottom_components};

    fn check(arcs: &[&[usize]], expect: &[&[usize]]) {
        let mut graph = Arcs::default();
        arcs.iter().for_each(|to| graph.push(to.iter().copied()));
        assert_eq!(bottom_components(&graph), expect);
    }

    #[test]
    fn bottom_components_have_no_arc_that_leaves_them() {
        check(&[], &[]);
        check(&[&[]], &[&[0]]);
        check(&[&[0]], &[&[0]]);
        check(&[&[1], &[0]], &[&[0, 1]]);
        // A chain into a cycle: only the cycle.
        check(&[&[1], &[2], &[3], &[2]], &[&[2, 3]]);
        // A cycle that leads to another cycle is not at the bottom.
        check(&[&[1], &[0, 2], &[3], &[2]], &[&[2, 3]]);
        // Two cycles that share a node are one component.
        check(&[&[1], &[0, 2], &[1]], &[&[0, 1, 2]]);
        // Two components, and a node that leads to both.
        check(&[&[1, 3], &[2], &[1], &[4], &[3]], &[&[1, 2], &[3, 4]]);
        // An arc to a complete component does not change the node's `lowest`.
        check(&[&[1], &[1], &[0, 3], &[2]], &[&[1]]);
    }
}
