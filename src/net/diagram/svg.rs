//! The picture as SVG.

use super::layout::{
    BESIDE, CHANNEL, CONTAINER_WIDTH, HEAD, LINE, Layout, MARGIN, NETWORK_LINE, NETWORK_WIDTH, PORT_WIDTH, container_height,
    count, network_height, network_lines, row_lines,
};
use super::{ContainerBox, Diagram, NetworkBox, PlaceRow};
use crate::net::markup::escaped;

/// Colours that can be told apart, and white text read on.
const COLORS: [&str; 10] =
    ["#1f6fb2", "#c4501b", "#2a8a57", "#8a4fa3", "#a87900", "#c2336b", "#2f7d8c", "#6b6f2a", "#7a4b32", "#4d5bb3"];

const STYLE: &str = "\
text{font:13px 'DejaVu Sans',Verdana,system-ui,sans-serif;fill:#1c2733}\
.name{font-weight:bold;font-size:14px}\
.mono{font-family:'DejaVu Sans Mono',ui-monospace,Consolas,monospace;font-size:12px}\
.grey{fill:#66727f;font-size:11px}\
.head{fill:#fff}\
.title{fill:#66727f;letter-spacing:.08em;font-size:11px}\
.box{fill:#fff;stroke:#9aa5b1;stroke-width:1.2}\
.stale{stroke-dasharray:5 4}\
.line{fill:none;stroke-width:2.2;stroke-opacity:.85}\
.port{fill:#eef2f6;stroke:#9aa5b1}\
.out{stroke:#66727f;stroke-width:1.4;fill:none}";

/// As many characters as the head of a network has room for beside its driver.
const NAME: usize = 21;
const CONTAINER_NAME: usize = 19;
const NOTE: usize = 50;
const PORT: usize = 28;

const CONTAINERS_X: u64 = MARGIN + NETWORK_WIDTH + CHANNEL;
const PORTS_X: u64 = CONTAINERS_X + CONTAINER_WIDTH + 46;

impl Diagram {
    /// The picture, ready to be written to a file. It needs nothing from elsewhere.
    pub fn svg(&self) -> String {
        let layout = Layout::of(self);
        let (width, height) = (layout.width, layout.height.max(80));
        let mut svg = Svg::default();
        svg.raw(&format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="Docker networks">"#
        ));
        svg.raw(&format!("<style>{STYLE}</style>"));
        svg.raw(&format!(r##"<rect width="{width}" height="{height}" fill="#fbfcfd"/>"##));
        if self.networks.is_empty() && self.containers.is_empty() {
            svg.text(MARGIN, 46, "grey", "start", "no networks");
        }
        self.titles(&layout, &mut svg);
        self.lines(&layout, &mut svg);
        for (i, (network, top)) in self.networks.iter().zip(&layout.networks).enumerate() {
            svg.network(network, color(i), *top);
        }
        for (container, top) in self.containers.iter().zip(&layout.containers) {
            self.container(container, *top, &mut svg);
        }
        svg.raw("</svg>");
        svg.0
    }

    /// What stands in each column.
    fn titles(&self, layout: &Layout, svg: &mut Svg) {
        for (x, title) in [(MARGIN, "NETWORKS"), (CONTAINERS_X, "CONTAINERS"), (PORTS_X, "PORTS OF THE HOST")] {
            if x < layout.width && !self.networks.is_empty() {
                svg.text(x, 38, "title", "start", title);
            }
        }
    }

    /// Below the boxes: a line from each network to each of its rows, those that end higher beginning higher.
    fn lines(&self, layout: &Layout, svg: &mut Svg) {
        let mut ends = vec![Vec::new(); self.networks.len()];
        for (container, top) in self.containers.iter().zip(&layout.containers) {
            let mut y = top + HEAD;
            for place in &container.places {
                if let Some(ends) = ends.get_mut(place.network) {
                    ends.push(y + LINE / 2);
                }
                y += LINE * row_lines(place);
            }
        }
        let from_x = MARGIN + NETWORK_WIDTH;
        for (i, ((network, top), ends)) in self.networks.iter().zip(&layout.networks).zip(&mut ends).enumerate() {
            ends.sort_unstable();
            let (height, parts) = (network_height(network), count(ends.len()) + 1);
            for (n, to_y) in (1_u64..).zip(ends.iter()) {
                let from_y = top + height * n / parts;
                let (a, b) = (from_x + CHANNEL / 2, CONTAINERS_X - CHANNEL / 2);
                svg.raw(&format!(
                    r#"<path class="line" stroke="{}" d="M{from_x} {from_y}C{a} {from_y} {b} {to_y} {CONTAINERS_X} {to_y}"/>"#,
                    color(i)
                ));
            }
        }
    }

    fn container(&self, container: &ContainerBox, top: u64, svg: &mut Svg) {
        let (height, right) = (container_height(&container.places), CONTAINERS_X + CONTAINER_WIDTH);
        svg.card(CONTAINERS_X, top, CONTAINER_WIDTH, height, container.is_stale, &container.name);
        svg.text(CONTAINERS_X + 12, top + 22, "name", "start", &fit(&container.name, CONTAINER_NAME));
        svg.text(right - 12, top + 22, "mono grey", "end", &fit(&container.id, 14));
        let mut y = top + HEAD;
        for place in &container.places {
            self.place(place, y, svg);
            y += LINE * row_lines(place);
        }
    }

    fn place(&self, place: &PlaceRow, top: u64, svg: &mut Svg) {
        let (color, right, middle) = (color(place.network), CONTAINERS_X + CONTAINER_WIDTH, top + LINE / 2);
        let name = self.networks.get(place.network).map(|network| network.name.as_str()).unwrap_or_default();
        svg.raw(&format!(r#"<circle cx="{CONTAINERS_X}" cy="{middle}" r="5" fill="{color}"/>"#));
        let beside = place.addresses.first().is_none_or(|address| address.len() <= BESIDE);
        let taken = place.addresses.first().filter(|_| beside).map_or(0, String::len);
        svg.text(CONTAINERS_X + 14, middle + 5, "", "start", &fit(name, place_name(taken)));
        let mut y = middle + 5 + if beside { 0 } else { LINE };
        for address in &place.addresses {
            svg.text(right - 12, y, "mono", "end", &fit(address, NETWORK_LINE));
            y += LINE;
        }
        for (n, port) in (0_u64..).zip(&place.ports) {
            let y = middle + LINE * n;
            svg.raw(&format!(r#"<path class="out" d="M{PORTS_X} {y}H{right}m7 -4l-7 4l7 4"/>"#));
            let width = PORT_WIDTH - 46;
            let (y_top, title) = (y - 9, escaped(port));
            svg.raw(&format!(
                r#"<rect class="port" x="{PORTS_X}" y="{y_top}" width="{width}" height="17" rx="8"><title>{title}</title></rect>"#
            ));
            svg.text(PORTS_X + width / 2, y + 4, "mono", "middle", &fit(port, PORT));
        }
    }
}

/// As many columns as there are for a network's name beside an address of so many characters.
fn place_name(taken: usize) -> usize {
    let free = CONTAINER_WIDTH.saturating_sub(40 + count(taken) * 29 / 4);
    usize::try_from(free / 8).unwrap_or_default()
}

fn color(network: usize) -> &'static str {
    COLORS.get(network % COLORS.len()).copied().unwrap_or("#1c2733")
}

#[derive(Default)]
struct Svg(String);

impl Svg {
    fn raw(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }

    fn text(&mut self, x: u64, y: u64, class: &str, anchor: &str, text: &str) {
        let text = escaped(text);
        self.raw(&format!(r#"<text x="{x}" y="{y}" class="{class}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// A box whose whole title shows under the pointer.
    fn card(&mut self, x: u64, y: u64, width: u64, height: u64, is_stale: bool, title: &str) {
        let (class, title) = (if is_stale { "box stale" } else { "box" }, escaped(title));
        self.raw(&format!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"><title>{title}</title></rect>"#
        ));
    }

    fn network(&mut self, network: &NetworkBox, color: &str, top: u64) {
        let (right, inner) = (MARGIN + NETWORK_WIDTH, top + HEAD - 4);
        self.card(MARGIN, top, NETWORK_WIDTH, network_height(network), network.is_missing, &network.name);
        // Round above, straight below.
        self.raw(&format!(
            r#"<path fill="{color}" d="M{MARGIN} {inner}V{}a6 6 0 0 1 6 -6H{}a6 6 0 0 1 6 6V{inner}z"/>"#,
            top + 6,
            right - 6
        ));
        self.text(MARGIN + 12, top + 20, "name head", "start", &fit(&network.name, NAME));
        self.text(right - 12, top + 20, "head", "end", &fit(&network.driver, 12));
        let mut y = top + HEAD + 13;
        for line in network_lines(network) {
            self.text(MARGIN + 12, y, "mono", "start", &fit(&line, NETWORK_LINE));
            y += LINE;
        }
        if !network.notes.is_empty() {
            self.text(MARGIN + 12, y, "grey", "start", &fit(&network.notes.join(" · "), NOTE));
        }
    }
}

/// As much of a text as fits, by the columns that its characters take.
fn fit(text: &str, columns: usize) -> String {
    let width = |c: char| if u32::from(c) >= 0x1100 && !('\u{2000}'..='\u{2bff}').contains(&c) { 2 } else { 1 };
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.into();
    }
    let mut used = 1;
    let mut short: String = text
        .chars()
        .take_while(|c| {
            used += width(*c);
            used <= columns
        })
        .collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_name_has_the_room_that_the_address_beside_it_leaves() {
        assert_eq!([0, "10.20.0.17".len(), BESIDE].map(place_name), [33, 24, 13]);
    }

    #[test]
    fn texts_are_cut_by_the_columns_they_take() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde…");
        assert_eq!(fit("世界世界", 6), "世界…");
    }
}
