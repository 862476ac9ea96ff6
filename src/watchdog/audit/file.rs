//! A file of lines that others may move away, and that is rotated before it grows too long.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// FILE, FILE.1 (the one before) and so on to FILE.keep.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    max_bytes: u64,
    keep: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// Not a device or a pipe, which have no length.
    is_file: bool,
    /// Whether the last line has no end, so that the next one must not be put behind it.
    torn: bool,
}

impl LineFile {
    pub(super) const fn new(path: PathBuf, max_bytes: u64, keep: usize) -> Self {
        Self { path, max_bytes, keep, open: None }
    }

    /// Makes sure that it can be written to.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        self.current().map(drop)
    }

    /// Writes a line that has its end, at once. Where the file is too long and cannot be rotated
    /// it grows, and that is the error: the line is written all the same.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let max_bytes = self.max_bytes;
        let open = self.current()?;
        let full = open.bytes > 0 && open.bytes + line.len() as u64 > max_bytes;
        let rotated = if full && open.is_file { self.rotate() } else { Ok(()) };
        self.current()?.write(line)?;
        rotated
    }

    /// The file as it is found under its name now: another program may have moved it away.
    fn current(&mut self) -> io::Result<&mut Open> {
        let still = self.open.take().filter(|open| {
            let (here, there) = (open.file.metadata(), std::fs::metadata(&self.path));
            matches!((here, there), (Ok(here), Ok(there)) if is_same(&here, &there))
        });
        let open = match still {
            Some(open) => open,
            None => open(&self.path)?,
        };
        Ok(self.open.insert(open))
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.keep == 0 {
            return std::fs::remove_file(&self.path);
        }
        for older in (1..self.keep).rev() {
            match std::fs::rename(self.numbered(older), self.numbered(older + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        std::fs::rename(&self.path, self.numbered(1))
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

impl Open {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend(self.torn.then_some(b'\n'));
        bytes.extend_from_slice(line);
        let written = self.file.write_all(&bytes).and_then(|()| self.file.flush());
        match written {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                self.torn = false;
            }
            // The disk may have taken a part of it.
            Err(_) => self.torn |= self.file.set_len(self.bytes).is_err(),
        }
        written
    }
}

/// To open one waits for whoever opens its other end.
fn refuse_a_pipe(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let is_pipe = std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if is_pipe {
        let said = format!(
            "{} is a named pipe, whose reader may not be there; give a file, or - for standard output",
            path.display()
        );
        return Err(io::Error::new(ErrorKind::InvalidInput, said));
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<Open> {
    refuse_a_pipe(path)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    for_owner_only(&mut options);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    let is_file = metadata.is_file();
    let torn = is_file && is_torn(path).unwrap_or(false);
    Ok(Open { bytes: metadata.len(), is_file, torn, file })
}

/// Whether a process ended in the middle of a line.
fn is_torn(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn for_owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

fn is_same(here: &Metadata, there: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (here.dev(), here.ino()) == (there.dev(), there.ino())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn it_is_rotated_before_it_is_too_long_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/audit.log");
        let mut file = LineFile::new(path.clone(), 10, 2);
        for line in ["one\n", "two\n", "three\n", "a line longer than all of it\n", "five\n"] {
            file.write(line.as_bytes()).unwrap();
        }
        let numbered = |number| read(&file.numbered(number));
        assert_eq!(read(&path), "five\n");
        assert_eq!([numbered(1), numbered(2)], ["a line longer than all of it\n", "three\n"]);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let mut none = LineFile::new(folder.path().join("none.log"), 10, 0);
        for line in ["one\n", "two\n", "three\n"] {
            none.write(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&none.path), "three\n");
        assert!(!none.numbered(1).exists());
    }

    #[test]
    fn what_was_there_stays_and_counts_and_half_a_line_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "whole\nha").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let mut file = LineFile::new(path.clone(), 14, 1);
        file.write(b"next\n").unwrap();
        assert_eq!(read(&path), "whole\nha\nnext\n");
        file.write(b"last\n").unwrap();
        assert_eq!(read(&path), "last\n");
        let before = file.numbered(1);
        assert_eq!(fs::metadata(&before).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn moved_away_or_removed_it_begins_anew_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut file = LineFile::new(path.clone(), 1000, 1);
        file.write(b"one\n").unwrap();
        let moved = folder.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        file.write(b"two\n").unwrap();
        assert_eq!((read(&moved), read(&path)), ("one\n".to_owned(), "two\n".to_owned()));
        fs::remove_file(&path).unwrap();
        file.write(b"three\n").unwrap();
        assert_eq!(read(&path), "three\n");
    }

    #[test]
    fn a_full_disk_is_an_error_each_time_and_nothing_else() {
        let mut file = LineFile::new("/dev/full".into(), 4, 1);
        file.prepare().unwrap();
        for _ in 0..2 {
            assert_eq!(file.write(b"line\n").unwrap_err().kind(), ErrorKind::StorageFull);
        }
    }

    #[test]
    fn a_named_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut file = LineFile::new(path, 1000, 1);
        let said = file.write(b"line\n").unwrap_err().to_string();
        assert!(said.contains("is a named pipe"), "{said}");
    }

    #[test]
    fn where_it_cannot_be_rotated_lines_are_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut file = LineFile::new(path.clone(), 5, 1);
        // A folder that is not empty cannot be replaced, whoever the user is.
        fs::create_dir_all(file.numbered(1).join("x")).unwrap();
        file.write(b"one\n").unwrap();
        assert!(file.write(b"two\n").is_err());
        assert_eq!(read(&path), "one\ntwo\n");
    }
}
