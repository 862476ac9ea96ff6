//! Whether the places that the watchdog writes to and looks at are what they should be.

use std::path::Path;

use crate::config::{AuditTarget, Settings, WatchdogMode};

/// What is odd about the journal, the audit log and the stop file, as they are now.
pub(super) fn oddities(settings: &Settings) -> Vec<String> {
    let watchdog = &settings.watchdog;
    let mut odd = Vec::new();
    if watchdog.mode == WatchdogMode::On {
        odd.extend(cannot_be_written("watchdog.journal", &watchdog.journal));
    }
    if let Some(AuditTarget::File(file)) = watchdog.audit.as_ref().map(|audit| &audit.target) {
        odd.extend(cannot_be_written("watchdog.audit", file));
    }
    if let Some(file) = &watchdog.stop_file {
        let place = file.display();
        if file.symlink_metadata().is_ok() {
            odd.push(format!(
                "watchdog.stop_file: {place} is there: nothing is restarted until it is removed"
            ));
        } else if !folder(file).is_dir() {
            odd.push(format!(
                "watchdog.stop_file: {} is no folder, so that nobody can put the file there",
                folder(file).display()
            ));
        }
    }
    odd
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// As whoever runs `check`; folders that are missing are made when it is first written.
fn cannot_be_written(key: &str, path: &Path) -> Option<String> {
    let place = path.display();
    if path.is_dir() {
        return Some(format!("{key}: {place} is a folder; name a file in it"));
    }
    let nearest = folder(path).ancestors().find(|folder| folder.exists())?;
    let error = if path.exists() {
        std::fs::File::options().append(true).open(path).err()
    } else if nearest.is_dir() {
        // One without a name: nothing is left of it.
        tempfile::tempfile_in(nearest).err()
    } else {
        Some(std::io::Error::other(format!("{} is no folder", nearest.display())))
    }?;
    Some(format!("{key}: {place} cannot be written by this user: {error}"))
}
