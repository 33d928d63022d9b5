//! How long the file is.

use std::sync::Arc;

use unbolt::{Db, Disk, MemoryDisk};

fn overwrite(db: &Db) -> unbolt::Result<()> {
    db.update(|tx| tx.create_bucket_if_missing("bucket")?.put("key", "value"))
}

/// As one is that was written without growing ahead, or whose end was cut off after its last page.
#[test]
fn a_file_without_room_to_spare_grows_only_when_it_gets_more_pages() -> Result<(), Box<dyn std::error::Error>> {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().no_grow_sync(true).open_disk(disk.clone())?;
    (0..10).try_for_each(|_| overwrite(&db))?;
    db.close()?;

    let db = Db::options().open_disk(disk.clone())?;
    let pages = db.begin_read()?.size();
    assert_eq!(disk.size()?, pages);
    (0..10).try_for_each(|_| overwrite(&db))?;
    assert_eq!(db.begin_read()?.size(), pages);
    assert_eq!(disk.size()?, pages);

    db.update(|tx| tx.bucket_mut("bucket")?.put("large", [0; 100_000]))?;
    let more = db.begin_read()?.size();
    assert!(more > pages && disk.size()? > more, "{pages} {more} {}", disk.size()?);
    Ok(())
}
