//! Page sizes and byte orders for quickcheck: mostly small pages, now and then one of up to 16 MiB.

use quickcheck::{Arbitrary, Gen};
use unbolt::format::{Endian, Layout, PageSize};

/// Any layout that a file can have.
#[derive(Debug, Clone, Copy)]
pub struct AnyLayout(pub Layout);

pub fn layout(page_size: u32, endian: Endian) -> Layout {
    Layout { page_size: PageSize::new(page_size).expect("a page size that can be one"), endian }
}

impl Arbitrary for AnyLayout {
    fn arbitrary(g: &mut Gen) -> AnyLayout {
        let largest = match u8::arbitrary(g) {
            0 => 15,
            1..32 => 7,
            _ => 3,
        };
        let power = u32::arbitrary(g) % (largest + 1);
        // A page size need not be a power of two to be read.
        let odd = if u8::arbitrary(g) < 8 { u32::arbitrary(g) % 500 } else { 0 };
        let endian = *g.choose(&[Endian::Little, Endian::Big]).expect("two to choose from");
        AnyLayout(layout(((512 << power) + odd).min(16 << 20), endian))
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = AnyLayout>> {
        let smallest = layout(512, self.0.endian);
        Box::new((self.0 != smallest).then_some(AnyLayout(smallest)).into_iter())
    }
}
