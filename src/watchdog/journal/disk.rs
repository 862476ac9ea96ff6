//! What a journal does to the disk, step by step, so that a test can end the world between any two.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, Metadata, Permissions, TryLockError};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

/// One journal's place: the file; its copy, which is to become the file; its lock; and what was
/// kept of a broken one.
pub(super) trait Disk: std::fmt::Debug + Send {
    /// Makes the folder and takes the lock, where it is not held; `false`: another process has it.
    fn lock(&mut self) -> Result<bool>;
    /// Whether there was not even a lock of an earlier process.
    fn is_first_use(&self) -> bool;
    /// Opens the file and reads it; `None`: there is none.
    fn open(&mut self) -> Result<Option<Vec<u8>>>;
    /// Whether file and lock are still those that were opened, and not moved away or put back.
    fn is_ours(&self) -> bool;
    fn append(&mut self, text: &[u8]) -> Result<()>;
    fn truncate(&mut self, length: u64) -> Result<()>;
    fn sync(&mut self) -> Result<()>;
    /// Makes a copy with this text.
    fn write_copy(&mut self, text: &[u8]) -> Result<()>;
    fn sync_copy(&mut self) -> Result<()>;
    /// The copy becomes the file.
    fn rename_copy(&mut self) -> Result<()>;
    /// Makes a rename outlast a crash.
    fn sync_folder(&mut self) -> Result<()>;
    /// Keeps the file, as it is, beside what will be renamed over it. There is one such at most.
    fn keep_aside(&mut self) -> Result<()>;
}

/// A local file system.
#[derive(Debug)]
pub(super) struct LocalDisk {
    path: PathBuf,
    lock: Option<Opened>,
    made_the_lock: bool,
    file: Option<Opened>,
    copy: Option<Opened>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    id: (u64, u64),
}

impl Opened {
    fn new(file: File) -> Result<Self> {
        let id = id(&file.metadata()?);
        Ok(Self { file, id })
    }

    fn is_at(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| id(&metadata) == self.id)
    }
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// More than any journal comes to: something else has this name.
const MAX_BYTES: u64 = 1 << 30;

impl LocalDisk {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, lock: None, made_the_lock: false, file: None, copy: None }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(ending);
        name.into()
    }

    /// That nothing else has the name: what is no file may hang when it is opened.
    fn check(&self) -> Result<Option<Metadata>> {
        match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
            Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_BYTES => Ok(Some(metadata)),
            Ok(_) => Err(Error::other("it is no file that a journal can be")),
        }
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        }
    }
}

/// As XDG wants it: a folder that is made is its user's alone.
fn make(folder: &Path) -> Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new("/"));
    make(above)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) if above.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Ok(()) => File::open(above)?.sync_all(),
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn options() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).mode(0o600);
    options
}

fn opened(file: &mut Option<Opened>) -> Result<&mut File> {
    file.as_mut().map(|opened| &mut opened.file).ok_or_else(|| Error::from(ErrorKind::NotFound))
}

impl Disk for LocalDisk {
    fn lock(&mut self) -> Result<bool> {
        // A rename goes over what a link points to, or the link would be lost.
        if let Ok(real) = std::fs::canonicalize(&self.path) {
            self.path = real;
        }
        self.check()?;
        let path = self.beside(".lock");
        if self.lock.as_ref().is_some_and(|lock| lock.is_at(&path)) {
            return Ok(true);
        }
        make(self.folder())?;
        let is_new = !path.try_exists()?;
        // Not the file itself: that is another one after each rename.
        let lock = options().truncate(false).open(&path)?;
        match lock.try_lock() {
            Ok(()) => {
                self.lock = Some(Opened::new(lock)?);
                self.made_the_lock = is_new;
            }
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(true)
    }

    fn is_first_use(&self) -> bool {
        self.made_the_lock
    }

    fn open(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(metadata) = self.check()? else { return Ok(None) };
        let mut file = File::options().read(true).append(true).open(&self.path)?;
        if metadata.mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        self.file = Some(Opened::new(file)?);
        Ok(Some(bytes))
    }

    fn is_ours(&self) -> bool {
        let lock = self.beside(".lock");
        self.lock.as_ref().is_some_and(|opened| opened.is_at(&lock))
            && self.file.as_ref().is_some_and(|opened| opened.is_at(&self.path))
    }

    fn append(&mut self, text: &[u8]) -> Result<()> {
        opened(&mut self.file)?.write_all(text)
    }

    fn truncate(&mut self, length: u64) -> Result<()> {
        opened(&mut self.file)?.set_len(length)
    }

    fn sync(&mut self) -> Result<()> {
        opened(&mut self.file)?.sync_data()
    }

    fn write_copy(&mut self, text: &[u8]) -> Result<()> {
        let path = self.beside(".new");
        // What a crash left there may be anything, even a link to elsewhere.
        remove(&path)?;
        let file = options().write(false).append(true).create_new(true).open(&path)?;
        let written = self.copy.insert(Opened::new(file)?).file.write_all(text);
        if written.is_err() {
            // Half a copy would only keep a full disk full.
            let _ = remove(&path);
        }
        written
    }

    fn sync_copy(&mut self) -> Result<()> {
        opened(&mut self.copy)?.sync_data()
    }

    fn rename_copy(&mut self) -> Result<()> {
        std::fs::rename(self.beside(".new"), &self.path)?;
        self.file = self.copy.take();
        Ok(())
    }

    fn sync_folder(&mut self) -> Result<()> {
        File::open(self.folder())?.sync_all()
    }

    fn keep_aside(&mut self) -> Result<()> {
        let aside = self.beside(".broken");
        remove(&aside)?;
        // A link takes no room; where the file system has none, it has to be a copy.
        match std::fs::hard_link(&self.path, &aside) {
            Ok(()) => Ok(()),
            Err(_) => std::fs::copy(&self.path, &aside).map(drop),
        }
    }
}
