//! Numbers as they lie in the file: alignment 1, byte order known only at run time.
//!
//! Inline buckets start at odd addresses and files from big-endian hosts are swapped, so these cast at any
//! address and take the order as an argument.

use bytemuck::{Pod, Zeroable};

/// The byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first: amd64, arm64, riscv64, ppc64le.
    Little,
    /// Most significant byte first: s390x, ppc64, mips.
    Big,
}

impl Endian {
    /// The order of the machine that this runs on, which is the only one that Go's programs there read and write.
    pub const NATIVE: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };
}

macro_rules! field {
    ($name:ident, $int:ty, $size:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name([u8; $size]);

        impl $name {
            /// The bytes of a value in this order.
            pub const fn new(value: $int, endian: Endian) -> Self {
                match endian {
                    Endian::Little => Self(value.to_le_bytes()),
                    Endian::Big => Self(value.to_be_bytes()),
                }
            }

            /// The value of the bytes in this order.
            pub const fn get(self, endian: Endian) -> $int {
                match endian {
                    Endian::Little => <$int>::from_le_bytes(self.0),
                    Endian::Big => <$int>::from_be_bytes(self.0),
                }
            }
        }
    };
}

field!(U16, u16, 2, "Two bytes of a file that hold a number.");
field!(U32, u32, 4, "Four bytes of a file that hold a number.");
field!(U64, u64, 8, "Eight bytes of a file that hold a number.");

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        fn a_number_written_in_either_order_reads_back(value: u64, big: bool) -> bool {
            let endian = if big { Endian::Big } else { Endian::Little };
            U64::new(value, endian).get(endian) == value
        }

        fn the_orders_mirror_each_other(value: u32) -> bool {
            U32::new(value, Endian::Big).get(Endian::Little) == value.swap_bytes()
        }
    }
}
