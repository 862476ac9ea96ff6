//! A disk that fails, or on which the world ends, at a step.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::disk::Disk;

pub(super) type Names = BTreeMap<&'static str, usize>;

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    synced: Vec<u8>,
    live: Vec<u8>,
    /// A sync failed: Linux then takes the pages for clean, and no later one writes them.
    is_dead: bool,
}

/// What survives a crash of the machine is `synced`; what else may survive is in `live`, and the
/// names as they were after any step since the folder was synced.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) files: Vec<File>,
    pub(super) names: Vec<Names>,
    pub(super) steps: usize,
    pub(super) crash_at: Option<usize>,
    pub(super) fails: std::ops::Range<usize>,
}

#[derive(Debug)]
pub(super) struct ModelDisk {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) file: Option<usize>,
    pub(super) copy: Option<usize>,
}

impl World {
    fn name(&mut self, change: impl FnOnce(&mut Names)) {
        let mut names = self.names.last().cloned().unwrap_or_default();
        change(&mut names);
        self.names.push(names);
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.names.last()?.get(name).copied()
    }

    pub(super) fn is_over(&self) -> bool {
        self.crash_at.is_some_and(|at| self.steps > at)
    }

    /// The process ends; the machine goes on.
    pub(super) fn killed(&self) -> Self {
        Self { steps: 0, crash_at: None, fails: 0..0, ..self.clone() }
    }

    /// Every world that a crash of the machine may leave.
    pub(super) fn crashed(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let none = [Names::new()];
        let names = if self.names.is_empty() { &none[..] } else { &self.names };
        for names in names {
            for tail in 0..4 {
                let files = self.files.iter().map(|file| {
                    let (from, to) = (file.synced.len(), file.live.len());
                    let kept = match tail {
                        0 => file.synced.clone(),
                        1 => file.live.clone(),
                        2 if from < to => file.live[..from.midpoint(to)].to_vec(),
                        // The length came to the disk, and the data did not.
                        3 if from < to => [&*file.synced, &vec![0; to - from]].concat(),
                        _ => file.synced.clone(),
                    };
                    File { synced: kept.clone(), live: kept, is_dead: false }
                });
                let files = files.collect();
                all.push(Self { files, names: vec![names.clone()], ..Self::default() });
            }
        }
        all
    }
}

impl ModelDisk {
    fn step(&self) -> Result<MutexGuard<'_, World>> {
        let mut world = self.world.lock().unwrap();
        world.steps += 1;
        let (step, over) = (world.steps - 1, world.is_over());
        if over || world.fails.contains(&step) { Err(Error::other("I/O error")) } else { Ok(world) }
    }

    fn append_to(&self, file: Option<usize>, text: &[u8]) -> Result<()> {
        let (mut world, text, result) = match self.step() {
            Ok(world) => (world, text, Ok(())),
            Err(error) => (self.world.lock().unwrap(), &text[..text.len() / 2], Err(error)),
        };
        if !world.is_over() {
            world.files[file.unwrap()].live.extend_from_slice(text);
        }
        result
    }

    fn sync_file(&self, file: Option<usize>) -> Result<()> {
        let (mut world, result) = match self.step() {
            Ok(world) => (world, Ok(())),
            Err(error) => (self.world.lock().unwrap(), Err(error)),
        };
        let over = world.is_over();
        let file = &mut world.files[file.unwrap()];
        file.is_dead |= result.is_err() && !over;
        if result.is_ok() && !file.is_dead {
            file.synced.clone_from(&file.live);
        }
        result
    }
}

impl Disk for ModelDisk {
    fn lock(&mut self) -> Result<bool> {
        self.step().map(|_| true)
    }

    fn is_first_use(&self) -> bool {
        false
    }

    fn open(&mut self) -> Result<Option<Vec<u8>>> {
        let world = self.step()?;
        let file = world.find("file");
        let bytes = file.map(|file| world.files[file].live.clone());
        drop(world);
        self.file = file;
        Ok(bytes)
    }

    fn is_ours(&self) -> bool {
        self.world.lock().unwrap().find("file") == self.file
    }

    fn append(&mut self, text: &[u8]) -> Result<()> {
        self.append_to(self.file, text)
    }

    fn truncate(&mut self, length: u64) -> Result<()> {
        self.step()?.files[self.file.unwrap()].live.truncate(length.try_into().unwrap());
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_file(self.file)
    }

    fn write_copy(&mut self, text: &[u8]) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        if world.is_over() {
            return Err(Error::other("I/O error"));
        }
        world.files.push(File::default());
        let copy = world.files.len() - 1;
        world.name(|names| names.extend([("new", copy)]));
        drop(world);
        self.copy = Some(copy);
        self.append_to(self.copy, text)
    }

    fn sync_copy(&mut self) -> Result<()> {
        self.sync_file(self.copy)
    }

    fn rename_copy(&mut self) -> Result<()> {
        self.step()?.name(|names| {
            let copy = names.remove("new").unwrap();
            names.insert("file", copy);
        });
        self.file = self.copy.take();
        Ok(())
    }

    fn sync_folder(&mut self) -> Result<()> {
        let mut world = self.step()?;
        let last = world.names.pop().unwrap_or_default();
        world.names = vec![last];
        Ok(())
    }

    fn keep_aside(&mut self) -> Result<()> {
        let mut world = self.step()?;
        let file = world.find("file").unwrap();
        world.name(|names| names.extend([("broken", file)]));
        Ok(())
    }
}
