//! Lists the keys of a bucket: `cargo run --example list FILE BUCKET...`.
use unbolt::Snapshot;
use unbolt::tree::Entry;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (file, path) = args.split_first().ok_or("usage: list FILE BUCKET...")?;
    let snapshot = Snapshot::open(file)?;
    for pair in snapshot.root()?.descend(path)?.iter() {
        match pair? {
            (key, Entry::Value(value)) => println!("{} {} bytes", key.escape_ascii(), value.len()),
            (key, Entry::Bucket(bucket)) => println!("{} {bucket:?}", key.escape_ascii()),
        }
    }
    unbolt::tree::verify(snapshot.pages())?;
    Ok(())
}
