//! What the address management of Docker 1.9 to 1.11 kept: `ipam/default/config/<space>/` and
//! `ipam/default/data/<space>/<pool>/`. Later versions keep it in memory and let what they find lie.

use super::address::Cidr;
use super::bitmap::Bitmap;
use super::fields::{Fields, Reader};

/// The pools of an address space.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpamConfig {
    /// `local` or `global`.
    pub scope: Option<String>,
    /// The pools.
    pub pools: Vec<IpamPool>,
}

/// A pool of an address space.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpamPool {
    /// Its id: `SPACE/SUBNET`, or `SPACE/SUBNET/RANGE`.
    pub id: String,
    /// Its network; for a range that of its parent.
    pub subnet: Option<Cidr>,
    /// The part of the network that it is, where it is one; its addresses are taken in the network's bitmap.
    pub range: Option<IpamRange>,
    /// How often it was asked for.
    pub references: u64,
}

/// A part of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpamRange {
    /// Its network.
    pub subnet: Option<Cidr>,
    /// The number of its first address in the pool, from 0.
    pub start: u64,
    /// The number of its last address in the pool.
    pub end: u64,
}

/// Which addresses of a pool are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpamData {
    /// The pool's id.
    pub id: Option<String>,
    /// The addresses, by their number in the pool; `None` where they cannot be read.
    pub bitmap: Option<Bitmap>,
}

impl Fields for IpamConfig {
    fn read(reader: &mut Reader<'_>) -> IpamConfig {
        IpamConfig { scope: reader.text("Scope"), pools: reader.members("Subnets", IpamPool::read) }
    }
}

impl IpamPool {
    fn read(id: &str, reader: &mut Reader<'_>) -> IpamPool {
        IpamPool {
            id: id.to_owned(),
            subnet: reader.cidr("Pool"),
            range: reader.object("Range", |reader| IpamRange {
                subnet: reader.cidr("Sub"),
                start: reader.number("Start").unwrap_or_default(),
                end: reader.number("End").unwrap_or_default(),
            }),
            references: reader.number("RefCount").unwrap_or_default(),
        }
    }
}

impl Fields for IpamData {
    fn read(reader: &mut Reader<'_>) -> IpamData {
        let bitmap = reader.bytes("sequence").and_then(|bytes| match Bitmap::parse(&bytes) {
            Ok(bitmap) => Some(bitmap),
            Err(error) => {
                reader.invalid("sequence", "a bitmap", error);
                None
            }
        });
        IpamData { id: reader.text("id"), bitmap }
    }
}
