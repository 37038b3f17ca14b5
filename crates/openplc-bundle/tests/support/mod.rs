//! Zips byte by byte, so that every rule can be broken.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// One entry and what is wrong with it.
#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    /// Bytes as they lie in the archive.
    pub packed: Vec<u8>,
    pub crc: u32,
    pub declared_size: u32,
    pub method: u16,
    pub flags: u16,
    /// System that made it (3 is Unix) and its mode.
    pub system: u8,
    pub mode: u32,
    /// Offset of another entry's header instead of its own.
    pub shares: Option<u32>,
}

impl Entry {
    pub fn stored(name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            packed: content.to_vec(),
            crc: crc32(content),
            declared_size: u32::try_from(content.len()).unwrap(),
            method: 0,
            flags: 0,
            system: 0,
            mode: 0,
            shares: None,
        }
    }
}

fn crc32(content: &[u8]) -> u32 {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .start_file(
            "x",
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored),
        )
        .unwrap();
    writer.write_all(content).unwrap();
    ZipArchive::new(writer.finish().unwrap())
        .unwrap()
        .by_index(0)
        .unwrap()
        .crc32()
}

/// The archive of these entries.
pub fn raw(entries: &[Entry]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.shares.unwrap_or(u32::try_from(archive.len()).unwrap());
        let mut common = Vec::new();
        for number in [20, entry.flags, entry.method, 0, 0x21] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        common.extend_from_slice(&entry.crc.to_le_bytes());
        common.extend_from_slice(&u32::try_from(entry.packed.len()).unwrap().to_le_bytes());
        common.extend_from_slice(&entry.declared_size.to_le_bytes());
        common.extend_from_slice(&u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        common.extend_from_slice(&0u16.to_le_bytes());
        if entry.shares.is_none() {
            archive.extend_from_slice(b"PK\x03\x04");
            archive.extend_from_slice(&common);
            archive.extend_from_slice(&entry.name);
            archive.extend_from_slice(&entry.packed);
        }
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&[20, entry.system]);
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(entry.mode << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(&entry.name);
    }
    let (start, size) = (
        u32::try_from(archive.len()).unwrap(),
        u32::try_from(directory.len()).unwrap(),
    );
    let count = u16::try_from(entries.len()).unwrap();
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend_from_slice(&size.to_le_bytes());
    archive.extend_from_slice(&start.to_le_bytes());
    archive.extend_from_slice(&[0, 0]);
    archive
}

/// The archive of these files, stored.
pub fn stored(files: &[(&str, &str)]) -> Vec<u8> {
    raw(&files
        .iter()
        .map(|(name, content)| Entry::stored(name, content.as_bytes()))
        .collect::<Vec<_>>())
}

/// The archive of these files, deflated.
pub fn deflated(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
