//! One registry's text, cut by family, so that the families of many clusters can be put together
//! without being interleaved. Sample lines are the same in both formats; only headers differ.

use std::ops::Range;

use bytes::Bytes;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

use super::exposition::Writer;
use super::negotiate::Format;

/// The text of one registry.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    text: Bytes,
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
        Ok(Self { text: text.into(), families })
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
pub(super) fn merge<'c>(
    out: &mut Writer,
    format: Format,
    chunks: impl Iterator<Item = &'c Chunk> + Clone,
) {
    let Some(first) = chunks.clone().next() else { return };
    for (at, family) in first.families.iter().enumerate() {
        let samples = |chunk: &'c Chunk| {
            let family = chunk.families.get(at);
            family.map_or_else(Bytes::new, |family| chunk.text.slice(family.samples.clone()))
        };
        let mut samples = chunks.clone().map(samples).filter(|samples| !samples.is_empty());
        let Some(of_one) = samples.next() else { continue };
        header(out, format, first, family);
        out.share(of_one);
        samples.for_each(|samples| out.share(samples));
    }
}

/// In the older text format counters and infos are named with their suffix, and info is a gauge.
fn header(out: &mut Writer, format: Format, chunk: &Chunk, family: &Family) {
    let of = |range: &Range<usize>| &chunk.text[range.clone()];
    let kind = of(&family.kind);
    let (suffix, kind): (&[u8], _) = match (format, kind) {
        (Format::Text, b"counter") => (b"_total", kind),
        (Format::Text, b"info") => (b"_info", &b"gauge"[..]),
        (Format::Text, b"unknown") => (b"", &b"untyped"[..]),
        (Format::Text | Format::OpenMetrics, kind) => (b"", kind),
    };
    let name = of(&family.name);
    for part in [HELP.as_bytes(), name, suffix, b" ", of(&family.help), b"\n"] {
        out.write(part);
    }
    for part in [TYPE.as_bytes(), name, suffix, b" ", kind, b"\n"] {
        out.write(part);
    }
}
