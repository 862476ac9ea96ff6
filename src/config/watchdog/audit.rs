//! `audit:`: where decisions are written down.

use std::path::{Path, PathBuf};

use super::node::Problem;
use super::section::Section;

/// Where decisions are written down, and how much of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where to.
    pub target: AuditTarget,
    /// A file that is longer is put aside; default 64 MiB.
    pub max_bytes: u64,
    /// So many files that were put aside are kept; default 4.
    pub keep: usize,
}

/// Where decisions are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// Standard output, written `-`.
    StandardOutput,
    /// A file, and files beside it that were put aside.
    File(PathBuf),
}

/// Reads the three keys; the flag wins over the file.
pub(super) fn read(
    section: &mut Section<'_>,
    flag: Option<&Path>,
) -> Result<Option<AuditSettings>, Problem> {
    let in_file = section.text("audit")?.map(|text| PathBuf::from(text.text));
    let (mut max_bytes, mut keep) = (64 << 20, 4);
    section.count("audit_max_bytes", 64 << 10..=4 << 30, &mut max_bytes)?;
    section.count("audit_keep", 0..=100, &mut keep)?;
    let target = flag.map(Path::to_owned).or(in_file).map(|path| match path.to_str() {
        Some("-") => AuditTarget::StandardOutput,
        _ => AuditTarget::File(path),
    });
    Ok(target.map(|target| AuditSettings { target, max_bytes, keep }))
}
