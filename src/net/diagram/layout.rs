//! Where the boxes stand: networks on the left, containers on the right, as much beside each other as can be.

use super::{Diagram, NetworkBox, PlaceRow};

pub(super) const MARGIN: u64 = 24;
pub(super) const NETWORK_WIDTH: u64 = 330;
pub(super) const CONTAINER_WIDTH: u64 = 310;
/// Between the two columns, for the lines.
pub(super) const CHANNEL: u64 = 170;
pub(super) const PORT_WIDTH: u64 = 266;
pub(super) const HEAD: u64 = 34;
pub(super) const LINE: u64 = 19;
pub(super) const FOOT: u64 = 8;
/// Where the boxes begin, below the headings of the columns.
const TOP: u64 = 52;
const GAP: u64 = 22;
/// As many characters of the narrow type as a line of a network has.
pub(super) const NETWORK_LINE: usize = 42;
/// As many as fit beside a network's name in the row of a container.
pub(super) const BESIDE: usize = 22;

/// Places in the picture, in pixels.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: u64,
    pub(super) height: u64,
    /// The upper edge of each network, in the diagram's order.
    pub(super) networks: Vec<u64>,
    /// The upper edge of each container.
    pub(super) containers: Vec<u64>,
}

/// The lines of a network's box, its head apart.
pub(super) fn network_lines(network: &NetworkBox) -> Vec<String> {
    let mut lines = Vec::new();
    for (subnet, gateway) in &network.subnets {
        match gateway {
            Some(gateway) if subnet.len() + gateway.len() + 4 <= NETWORK_LINE => lines.push(format!("{subnet} gw {gateway}")),
            Some(gateway) => lines.extend([subnet.clone(), format!("gw {gateway}")]),
            None => lines.push(subnet.clone()),
        }
    }
    lines
}

pub(super) fn network_height(network: &NetworkBox) -> u64 {
    let notes = u64::from(!network.notes.is_empty());
    HEAD + LINE * (count(network_lines(network).len()) + notes) + FOOT
}

/// How many lines a container's row has: its addresses, the first beside the network's name if it fits there.
pub(super) fn row_lines(place: &PlaceRow) -> u64 {
    let beside = place.addresses.first().is_none_or(|address| address.len() <= BESIDE);
    let lines = count(place.addresses.len()).max(1) + u64::from(!beside);
    lines.max(count(place.ports.len()))
}

pub(super) fn container_height(places: &[PlaceRow]) -> u64 {
    HEAD + LINE * places.iter().map(row_lines).sum::<u64>() + FOOT
}

pub(super) fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

impl Layout {
    pub(super) fn of(diagram: &Diagram) -> Layout {
        let (containers, bottom) = column(diagram.containers.iter().map(|container| container_height(&container.places)));
        let wanted = middles(diagram, &containers);
        let (networks, networks_bottom) = beside(diagram, &wanted);
        let has_ports = diagram.containers.iter().flat_map(|container| &container.places).any(|place| !place.ports.is_empty());
        let right = match (diagram.containers.is_empty(), has_ports) {
            (true, _) => 0,
            (false, false) => CHANNEL + CONTAINER_WIDTH,
            (false, true) => CHANNEL + CONTAINER_WIDTH + PORT_WIDTH,
        };
        Layout { width: MARGIN + NETWORK_WIDTH + right + MARGIN, height: bottom.max(networks_bottom), networks, containers }
    }
}

/// Boxes below each other, and where the column ends.
fn column(heights: impl Iterator<Item = u64>) -> (Vec<u64>, u64) {
    let mut y = TOP;
    let tops = heights
        .map(|height| {
            let top = y;
            y += height + GAP;
            top
        })
        .collect();
    (tops, y - GAP.min(y - TOP) + MARGIN)
}

/// The middle of all that each network leads to; `None` where that is nothing.
fn middles(diagram: &Diagram, containers: &[u64]) -> Vec<Option<u64>> {
    let mut sums = vec![(0_u64, 0_u64); diagram.networks.len()];
    for (container, top) in diagram.containers.iter().zip(containers) {
        let mut y = top + HEAD;
        for place in &container.places {
            if let Some((sum, number)) = sums.get_mut(place.network) {
                (*sum, *number) = (*sum + y + LINE / 2, *number + 1);
            }
            y += LINE * row_lines(place);
        }
    }
    sums.into_iter().map(|(sum, number)| sum.checked_div(number)).collect()
}

/// Each network as near as can be to what it leads to; those that lead nowhere below them.
fn beside(diagram: &Diagram, wanted: &[Option<u64>]) -> (Vec<u64>, u64) {
    let mut order: Vec<usize> = (0..diagram.networks.len()).collect();
    let middle = |i: usize| wanted.get(i).copied().flatten();
    order.sort_by_key(|&i| middle(i).unwrap_or(u64::MAX));
    let heights: Vec<u64> = diagram.networks.iter().map(network_height).collect();
    let height = |i: usize| heights.get(i).copied().unwrap_or_default();
    let mut tops = vec![0; order.len()];
    let mut free = TOP;
    for &i in &order {
        let top = middle(i).map_or(free, |middle| middle.saturating_sub(height(i) / 2)).max(free);
        if let Some(place) = tops.get_mut(i) {
            *place = top;
        }
        free = top + height(i) + GAP;
    }
    (tops, free - GAP.min(free - TOP) + MARGIN)
}

#[cfg(test)]
mod tests {
    use super::super::ContainerBox;
    use super::*;

    /// A diagram of networks with so many subnets, and containers with so many addresses and ports in some of them.
    fn diagram(networks: &[u8], containers: &[Vec<(u8, u8, u8)>]) -> Diagram {
        let subnet =
            |n: u8| (0..n % 4).map(|i| (format!("fd00:77:1234:{i}::/64"), Some(format!("fd00:77:1234:{i}::1")))).collect();
        let network = |n: &u8| NetworkBox {
            subnets: subnet(*n),
            notes: vec!["note".into(); usize::from(n % 2)],
            ..NetworkBox::default()
        };
        let place = |(network, addresses, ports): &(u8, u8, u8)| PlaceRow {
            network: usize::from(*network) % networks.len().max(1),
            addresses: vec!["fd00:77:1234:5678:9abc:def0:1234:5678".into(); usize::from(addresses % 3)],
            ports: vec!["8080 → 80/tcp".into(); usize::from(ports % 5)],
        };
        let container =
            |places: &Vec<_>| ContainerBox { places: places.iter().map(place).collect(), ..ContainerBox::default() };
        Diagram { networks: networks.iter().map(network).collect(), containers: containers.iter().map(container).collect() }
    }

    /// Whether boxes stand below each other in the picture, and none touches another.
    fn apart(mut boxes: Vec<(u64, u64)>, height: u64) -> bool {
        boxes.sort_unstable();
        boxes.windows(2).all(|pair| pair[0].0 + pair[0].1 + GAP <= pair[1].0)
            && boxes.iter().all(|(top, tall)| *top >= TOP && top + tall + MARGIN <= height)
    }

    #[test]
    fn no_box_overlaps_another_or_the_edge() {
        fn holds(networks: Vec<u8>, containers: Vec<Vec<(u8, u8, u8)>>) -> bool {
            let diagram = diagram(&networks, &containers);
            let layout = Layout::of(&diagram);
            let left = layout.networks.iter().copied().zip(diagram.networks.iter().map(network_height)).collect();
            let places = diagram.containers.iter().map(|container| container_height(&container.places));
            let right = layout.containers.iter().copied().zip(places).collect();
            apart(left, layout.height) && apart(right, layout.height)
        }
        quickcheck::quickcheck(holds as fn(Vec<u8>, Vec<Vec<(u8, u8, u8)>>) -> bool);
    }

    #[test]
    fn a_network_stands_beside_its_containers_and_one_without_any_below() {
        let diagram = diagram(&[1, 1, 1], &[vec![(2, 1, 0)], vec![(2, 1, 0)], vec![(0, 1, 0)]]);
        let layout = Layout::of(&diagram);
        assert!(layout.networks[2] < layout.networks[0] && layout.networks[0] < layout.networks[1], "{layout:?}");
    }
}
