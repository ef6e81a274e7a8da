//! Bars as SVG, readable on light and dark: how many times as long as ours, on a logarithmic scale, with ours at the line.

use std::fmt::Write;

pub struct Bar {
    pub label: String,
    /// Times as long as ours.
    pub ratio: f64,
    /// At the bar's end.
    pub note: String,
    pub is_ours: bool,
}

pub struct Panel {
    pub title: String,
    pub bars: Vec<Bar>,
}

const WIDTH: f64 = 890.0;
const LEFT: f64 = 280.0;
/// Room for the notes.
const RIGHT: f64 = 190.0;
const BAR: f64 = 20.0;
const TITLE: f64 = 34.0;

const STYLE: &str = "text{font:13px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}\
    .paper{fill:#fff}.title{font-size:17px;font-weight:600}.panel{font-weight:600}.note,.tick{fill:#59636e}.tick{font-size:12px}.note{paint-order:stroke;stroke:#fff;stroke-width:4px}\
    .grid{stroke:#d8dee4}.line{stroke:#1f2328;stroke-width:1.5}.ours{fill:#1a7f37}.slower{fill:#6ca0dc}.faster{fill:#d9822b}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.paper{fill:#0d1117}.note,.tick{fill:#9198a1}.note{stroke:#0d1117}.grid{stroke:#2d333b}\
    .line{stroke:#e6edf3}.ours{fill:#3fb950}.slower{fill:#4a7fc1}.faster{fill:#e09b4f}}";

/// `axis` says what the bars are; the panels stand below each other on one scale.
pub fn bars(title: &str, axis: &str, panels: &[Panel]) -> String {
    let ratios = || panels.iter().flat_map(|p| &p.bars).map(|b| b.ratio);
    let ticks = [0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
    let low = ticks.iter().rev().copied().find(|t| ratios().all(|r| *t <= r * 1.001)).unwrap_or(0.03).min(0.5);
    let high = ticks.iter().copied().find(|t| ratios().all(|r| r <= *t)).unwrap_or(1000.0).max(2.0);
    let x = |ratio: f64| LEFT + (ratio.clamp(low, high) / low).ln() / (high / low).ln() * (WIDTH - LEFT - RIGHT);
    let top = 66.0;
    let height = top + panels.iter().map(panel_height).sum::<f64>() + 34.0;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
        <title>{0}</title>\n<style>{STYLE}</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n\
        <text class=\"title\" x=\"16\" y=\"26\">{0}</text>\n<text class=\"note\" x=\"16\" y=\"47\">{1}</text>\n",
        escape(title),
        escape(axis)
    );
    for tick in ticks.iter().copied().filter(|t| (low..=high).contains(t)) {
        let (class, x, end) = (if tick == 1.0 { "line" } else { "grid" }, x(tick), height - 30.0);
        let _ = writeln!(svg, "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{end}\"/>");
        let _ = writeln!(
            svg,
            "<text class=\"tick\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
            end + 17.0
        );
    }
    let mut y = top;
    for panel in panels {
        if !panel.title.is_empty() {
            let _ = writeln!(svg, "<rect class=\"paper\" x=\"0\" y=\"{:.1}\" width=\"100%\" height=\"20\"/>", y + 6.0);
            let _ =
                writeln!(svg, "<text class=\"panel\" x=\"16\" y=\"{:.1}\">{}</text>", y + 22.0, escape(&panel.title));
            y += TITLE;
        }
        for bar in &panel.bars {
            let (from, to) = (x(bar.ratio.min(1.0)), x(bar.ratio.max(1.0)));
            // Ours is the line itself: a short bar makes it visible.
            let (from, to) = if bar.is_ours && to - from < 6.0 { (from - 3.0, from + 3.0) } else { (from, to) };
            let class = if bar.is_ours {
                "ours"
            } else if bar.ratio < 1.0 {
                "faster"
            } else {
                "slower"
            };
            let middle = y + BAR / 2.0 + 4.5;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" \
                width=\"{:.1}\" height=\"{}\" rx=\"2\"/><text class=\"note\" x=\"{:.1}\" y=\"{middle:.1}\">{}</text>",
                LEFT - 10.0,
                escape(&bar.label),
                y + 2.0,
                (to - from).max(1.0),
                BAR - 4.0,
                to.max(x(1.0)) + 7.0,
                escape(&bar.note)
            );
            y += BAR;
        }
    }
    svg + "</svg>\n"
}

fn panel_height(panel: &Panel) -> f64 {
    panel.bars.len() as f64 * BAR + if panel.title.is_empty() { 0.0 } else { TITLE }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
