/// The strongly connected components, of the part of a graph that `within` picks, out of which no arc leads: each as
/// its sorted nodes, in the order of their first nodes.
///
/// `within` must be closed: an arc from a node of it leads to a node of it. Then whoever starts in it ends in one of
/// these components and never leaves it again.
///
/// Tarjan's algorithm with a stack of its own, for a chain of waits may be as long as there are tasks.
pub(crate) fn bottom_components(arcs: &[Vec<usize>], within: &[bool]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; arcs.len()];
    let mut lowest = vec![UNSEEN; arcs.len()];
    // The component of a node, once it is complete.
    let mut component = vec![UNSEEN; arcs.len()];
    let mut components = 0;
    let mut visited = 0;
    let mut open: Vec<usize> = Vec::new();
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut bottoms: Vec<Vec<usize>> = Vec::new();

    for root in 0..arcs.len() {
        if !within[root] || order[root] != UNSEEN {
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
            if let Some(&to) = arcs[node].get(*arc) {
                *arc += 1;
                debug_assert!(within[to], "not closed");
                if order[to] == UNSEEN {
                    path.push((to, 0));
                } else if component[to] == UNSEEN {
                    lowest[node] = lowest[node].min(order[to]);
                }
                continue;
            }
            path.pop();
            if let Some(&(from, _)) = path.last() {
                lowest[from] = lowest[from].min(lowest[node]);
            }
            if lowest[node] == order[node] {
                let start = open.iter().rposition(|&other| other == node).expect("it is open until here");
                let mut members = open.split_off(start);
                members.iter().for_each(|&member| component[member] = components);
                // Components are completed after those that they lead to, so every arc's end has its component by now.
                if members.iter().all(|&member| arcs[member].iter().all(|&to| component[to] == components)) {
                    members.sort_unstable();
                    bottoms.push(members);
                }
                components += 1;
            }
        }
    }
    bottoms.sort_unstable();
    bottoms
}

#[cfg(test)]
mod tests {
    use super::bottom_components;

    fn check(arcs: &[&[usize]], expect: &[&[usize]]) {
        let arcs: Vec<Vec<usize>> = arcs.iter().map(|to| to.to_vec()).collect();
        assert_eq!(bottom_components(&arcs, &vec![true; arcs.len()]), expect);
    }

    #[test]
    fn components_without_a_way_out() {
        check(&[], &[]);
        check(&[&[]], &[&[0]]);
        check(&[&[0]], &[&[0]]);
        check(&[&[1], &[0]], &[&[0, 1]]);
        // A chain into a cycle: only the cycle.
        check(&[&[1], &[2], &[3], &[2]], &[&[2, 3]]);
        // A cycle that leads on to another is not at the bottom.
        check(&[&[1], &[0, 2], &[3], &[2]], &[&[2, 3]]);
        // Two cycles that share a node are one component.
        check(&[&[1], &[0, 2], &[1]], &[&[0, 1, 2]]);
        // Two of them, and a node that leads to both.
        check(&[&[1, 3], &[2], &[1], &[4], &[3]], &[&[1, 2], &[3, 4]]);
        // An arc to a component that is complete already says nothing about the order of nodes.
        check(&[&[1], &[1], &[0, 3], &[2]], &[&[1]]);
    }
}
