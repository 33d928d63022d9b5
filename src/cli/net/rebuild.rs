//! Owns `net rebuild`: a lost file, made again from the containers' own files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::doctor::{note_unreadable, read_containers};
use super::records::{self, text};
use super::saved;
use crate::cli::attempt::Spool;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::status::Status;
use crate::cli::table::Table;
use crate::net::{Draft, Hint, RebuildError};
use crate::store::{BoltStore, DOCKER_BUCKET, Store, StoreError};
use crate::{Db, Disk, MemoryDisk};

/// Make a lost database again from the containers' own files, with the ids that they know
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Containers know their networks by id: after `local-kv.db` is gone they do not start, though networks
of the same names are made. This makes a database in which they are under the old ids. Where dockerd
was killed its containers still have the addresses that they had; after a clean stop they have none,
and a network gets a free subnet, unless --subnet tells it. One with addresses that were given by
hand needs to be told. NETWORK is a name.

Examples:
  unbolt net rebuild /var/lib/docker -o local-kv.db --subnet front=10.20.0.0/16
  unbolt net rebuild /var/lib/docker -o new.db --with recovered.db --driver lan=macvlan --parent lan=eth0")]
pub struct Args {
    /// Docker's data root, with the directory `containers` in it
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// The database
    #[arg(long, short, value_name = "NEW")]
    pub output: PathBuf,
    /// Begin with the records of this database, such as one that was recovered; may be given more than once
    ///
    /// Of two records with one key that of the file named first is taken. Records that `recover` put into lost+found are
    /// taken where no file has them in their place, the newest by its index.
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
    /// The subnet of a network
    #[arg(long = "subnet", value_name = "NETWORK=SUBNET")]
    pub subnets: Vec<Told<crate::net::Cidr>>,
    /// The gateway of a network, where that is not the first address
    #[arg(long = "gateway", value_name = "NETWORK=ADDRESS")]
    pub gateways: Vec<Told<std::net::IpAddr>>,
    /// The driver of a network, where that is not bridge
    #[arg(long = "driver", value_name = "NETWORK=DRIVER")]
    pub drivers: Vec<Told<String>>,
    /// The host's interface that a macvlan or ipvlan network stands on
    #[arg(long = "parent", value_name = "NETWORK=INTERFACE")]
    pub parents: Vec<Told<String>>,
    /// Replace NEW
    #[arg(long)]
    pub force: bool,
}

/// What is told of a network: `NETWORK=VALUE`.
#[derive(Debug, Clone)]
pub struct Told<T> {
    network: String,
    value: T,
}

impl<T: FromStr<Err: std::fmt::Display>> FromStr for Told<T> {
    type Err = String;

    fn from_str(argument: &str) -> Result<Told<T>, String> {
        let (network, value) = argument.split_once('=').ok_or("not of the form NETWORK=VALUE")?;
        Ok(Told { network: network.into(), value: value.parse().map_err(|e| format!("{e}"))? })
    }
}

impl Args {
    fn hints(&self) -> BTreeMap<String, Hint> {
        let mut hints: BTreeMap<String, Hint> = BTreeMap::new();
        let mut of = |name: &String, tell: &mut dyn FnMut(&mut Hint)| tell(hints.entry(name.clone()).or_default());
        self.subnets.iter().for_each(|told| of(&told.network, &mut |hint| hint.subnets.push(told.value)));
        self.gateways.iter().for_each(|told| of(&told.network, &mut |hint| hint.gateways.push(told.value)));
        self.drivers.iter().for_each(|told| of(&told.network, &mut |hint| hint.driver = Some(told.value.clone())));
        self.parents.iter().for_each(|told| of(&told.network, &mut |hint| hint.parent = Some(told.value.clone())));
        hints
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let containers = read_containers(&args.root)?;
    let source = args.with.first().unwrap_or(&args.root);
    for source in args.with.iter().chain([&args.root]) {
        output::refuse_unsafe(&args.output, source, args.force)?;
    }
    let mut draft = saved::records(&args.with, context)?;
    let mut spool = Spool::new();
    note_unreadable(&containers, &mut spool);
    let rebuilt = draft.rebuild(&containers, &args.hints()).map_err(|errors| told(args, &errors, &mut spool));
    let networks = match rebuilt {
        Ok(networks) => networks,
        Err(failure) => {
            spool.release(context.out, context.err)?;
            return Err(failure);
        }
    };
    write(args, source, &draft)?;
    let mut table = Table::new(&["NETWORK ID", "NAME", "DRIVER", "SUBNETS"]);
    for network in &networks {
        let subnets: Vec<String> = network.subnets.iter().map(ToString::to_string).collect();
        table.row([network.id.clone(), text(&network.name), text(&network.driver), subnets.join(", ")]);
        if network.is_guess {
            spool.note(format_args!("nothing told the subnet of network {}: it is one that no other has", text(&network.name)));
        }
    }
    table.write(spool.out())?;
    spool.release(context.out, context.err)?;
    Ok(Status::Done)
}

/// All that is missing is said at once; the last of it is the failure.
fn told(args: &Args, errors: &[RebuildError], spool: &mut Spool) -> Failure {
    let place = || args.root.display();
    let words = |error: &RebuildError| text(&error.to_string());
    let (last, others) = errors.split_last().map_or((String::new(), &[][..]), |(last, others)| (words(last), others));
    others.iter().for_each(|error| spool.note(format_args!("{}: {}", place(), words(error))));
    let failure = Failure::at(Status::Refused, &args.root, last);
    failure
        .hint("--subnet NETWORK=SUBNET, --driver NETWORK=DRIVER and --parent NETWORK=INTERFACE tell what cannot be found out")
}

/// Makes the database in memory, where it is whole at once, and writes it.
fn write(args: &Args, source: &Path, draft: &Draft) -> Result<(), Failure> {
    let failed = |e| records::failed(&args.output, e);
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as Arc<dyn Disk>).map_err(|e| Failure::of(&args.output, e))?;
    let store = BoltStore::on(db, DOCKER_BUCKET);
    store.update(|store| draft.write_all(store)).map_err(|e: StoreError| failed(e))?;
    Box::new(store).close().map_err(failed)?;
    let file = output::begin(&args.output, source, args.force)?;
    let unwritable = |e| Failure::at(Status::Io, &args.output, format_args!("cannot write: {e}"));
    file.file().write_at(&disk.to_bytes(), 0).map_err(unwritable)?;
    output::finish(file)
}
