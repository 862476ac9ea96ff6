//! One registry's text, cut by family, so that the families of many clusters can be put together
//! without being interleaved. Sample lines are the same in both formats; only headers differ.

use std::fmt::Write as _;
use std::ops::Range;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

use super::negotiate::Format;

/// The text of one registry.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    text: String,
    families: Vec<Family>,
}

#[derive(Debug)]
struct Family {
    name: Range<usize>,
    help: Range<usize>,
    kind: Range<usize>,
    samples: Range<usize>,
}

impl Chunk {
    /// Writes the registry; `size` is a guess of the length.
    pub(super) fn render(registry: &Registry, size: usize) -> Result<Self, std::fmt::Error> {
        let mut text = String::with_capacity(size);
        encode_registry(&mut text, registry)?;
        text.shrink_to_fit();
        let families = cut(&text);
        Ok(Self { text, families })
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

const HELP: &str = "# HELP ";
const TYPE: &str = "# TYPE ";

fn cut(text: &str) -> Vec<Family> {
    let mut families = Vec::new();
    let mut at = 0;
    while let Some(rest) = text[at..].strip_prefix(HELP) {
        let name_from = at + HELP.len();
        let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |n| from + n);
        let help_end = line_end(name_from);
        let name_to = name_from + rest.find(' ').unwrap_or_default();
        // "# TYPE name kind"
        let kind_from = help_end + 1 + TYPE.len() + (name_to - name_from) + 1;
        let kind_to = line_end(kind_from);
        let from = kind_to + 1;
        let to = text[kind_to..].find("\n# HELP ").map_or(text.len(), |n| kind_to + n + 1);
        families.push(Family {
            name: name_from..name_to,
            help: name_to + 1..help_end,
            kind: kind_from..kind_to,
            samples: from..to,
        });
        at = to;
    }
    families
}

/// Puts chunks that were rendered from the same kind of registry together, family by family, in
/// the order of the first. Families without samples are left out.
pub(super) fn merge(out: &mut String, format: Format, chunks: &[&Chunk]) {
    let Some(first) = chunks.first() else { return };
    for (at, family) in first.families.iter().enumerate() {
        let samples = |chunk: &&Chunk| -> Range<usize> {
            chunk.families.get(at).map_or(0..0, |family| family.samples.clone())
        };
        if chunks.iter().all(|chunk| samples(chunk).is_empty()) {
            continue;
        }
        header(
            out,
            format,
            &first.text[family.name.clone()],
            &first.text[family.help.clone()],
            &first.text[family.kind.clone()],
        );
        for chunk in chunks {
            out.push_str(&chunk.text[samples(chunk)]);
        }
    }
}

/// In the older text format counters and infos are named with their suffix, and info is a gauge.
fn header(out: &mut String, format: Format, name: &str, help: &str, kind: &str) {
    let (suffix, kind) = match (format, kind) {
        (Format::Text, "counter") => ("_total", kind),
        (Format::Text, "info") => ("_info", "gauge"),
        (Format::Text, "unknown") => ("", "untyped"),
        (Format::Text | Format::OpenMetrics, kind) => ("", kind),
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n");
}
