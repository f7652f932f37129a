//! `jjj-genesis`: makes, shows and checks the document that every agency signs. Exit codes: 0 done,
//! 1 refused for the stated reason, 2 the command line is wrong, 3 a check found differences.

mod arguments;
mod clock;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use arguments::{Arguments, Build, Check, Command, Keys, New, Source, TimeArgument};
use clap::Parser as _;
use genesis::Genesis;
use genesis::ceremony::{self, Duty, Plan};
use genesis::files;
use genesis::home::Home;
use genesis::homes::{self, Host, Layout};
use genesis::inspection::{Finding, inspect};
use genesis::keys::{KeyPurpose, draw_seed};
use genesis::keystore::{Cost, Keystore, SealRandomness};
use genesis::limits::{GENESIS_BYTES_MAX, TEXT_BYTES_MAX};
use genesis::password::Password;
use genesis::words::{Language, overview};
use proto::sign::SecretKey;

/// A check found files that do not fit together.
const EXIT_DIFFERENT: u8 = 3;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Set by the operator's system for every program; nothing of the node depends on it.
    let locale = std::env::var_os("LANG").map(|value| value.to_string_lossy().into_owned());
    let language =
        arguments.lang.map_or_else(|| Language::of_locale(locale.as_deref()), Language::from);
    let mut out = io::stdout().lock();
    let done = match &arguments.command {
        Command::New(new) => make(new, language, &mut out),
        Command::Keys(keys) => make_keys(keys, &mut out),
        Command::Build(build) => make_document(build, language, &mut out),
        Command::Show(source) => show(source, language, &mut out),
        Command::Hash(source) => hash(source, &mut out),
        Command::Check(check) => compare(check, language, &mut out),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to be told where the error output is closed.
            drop(writeln!(io::stderr(), "jjj-genesis: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn make(new: &New, language: Language, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let seats: Vec<_> =
        new.agencies.iter().chain(new.witness.iter().map(|witness| &witness.0)).collect();
    let time = match new.time {
        TimeArgument::Now => clock::now(),
        TimeArgument::At(time) => time,
    };
    let agencies = seats.iter().map(|seat| seat.planned.clone()).collect();
    let plan = Plan::new(agencies, new.mode.into(), time);
    let layout = Layout {
        out: new.out.clone(),
        base_port: new.base_port,
        hosts: seats.iter().map(|seat| seat.host.clone()).collect::<Vec<Host>>(),
    };
    // Made before the password is asked for: a plan that breaks a rule should say so at once.
    let made = ceremony::hold(&plan, &mut draw_seed)?;
    let password = new_password(new.password_file.as_deref(), language)?;
    let written = homes::write(&plan, &made, &layout, &password, Cost::default())?;
    for one in &written {
        let listen = one.config.listen.join(" ");
        let (folder, grpc) = (one.home.folder().display(), one.config.grpc);
        writeln!(out, "{}  {folder}  {listen}  grpc {grpc}", one.name)?;
    }
    describe(&made.genesis, language, out)?;
    let advice = match language {
        Language::Zh => "请把 keys/governance.key 移到离线介质保存，节点运行不需要它。",
        Language::En => "Move keys/governance.key to offline storage; the node does not need it.",
    };
    writeln!(out, "{advice}")?;
    Ok(ExitCode::SUCCESS)
}

fn make_keys(keys: &Keys, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let home = Home::new(&keys.out);
    let duty = if keys.witness { Duty::Witness } else { Duty::Division(11) };
    let purposes = ceremony::purposes(duty);
    if let Some(kept) = purposes.iter().map(|purpose| home.key_file(*purpose)).find(|p| p.exists())
    {
        bail!("{}: exists; existing keys are never overwritten", kept.display());
    }
    let password = new_password(keys.password_file.as_deref(), Language::En)?;
    let keys_folder = home.key_file(KeyPurpose::Validator);
    files::create_folder(keys_folder.parent().unwrap_or(home.folder()))?;
    for purpose in purposes {
        let seed = draw_seed()?;
        let key = SecretKey::from_seed(&seed);
        let randomness = SealRandomness::draw()?;
        Keystore::seal(*purpose, &key, &password, Cost::default(), &randomness)?
            .write(&home.key_file(*purpose))?;
        writeln!(out, "{} = \"{}\"", purpose.name(), key.public())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn make_document(
    build: &Build,
    language: Language,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let text = files::read_text(&build.rendering, TEXT_BYTES_MAX)?;
    let made = Genesis::from_toml(&text).map_err(|error| at(&build.rendering, &error))?;
    let home = Home::new(&build.out);
    if home.genesis_file().exists() && home.read_genesis()?.chain() != made.chain() {
        bail!("{}: holds another chain; it is not replaced", home.genesis_file().display());
    }
    files::create_folder(home.folder())?;
    if !build.hosts.is_empty() {
        let config = homes::write_config(&home, &made, (&build.hosts, build.base_port))?;
        let (path, listen) = (home.config_file(), config.listen.join(" "));
        writeln!(out, "{}  {listen}  grpc {}", path.display(), config.grpc)?;
    }
    homes::write_genesis(&home, &made)?;
    describe(&made, language, out)?;
    Ok(ExitCode::SUCCESS)
}

fn show(source: &Source, language: Language, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    describe(&read(&source.path)?, language, out)?;
    Ok(ExitCode::SUCCESS)
}

fn hash(source: &Source, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    writeln!(out, "{}", read(&source.path)?.chain())?;
    Ok(ExitCode::SUCCESS)
}

fn compare(check: &Check, language: Language, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut homes: Vec<Home> = Vec::new();
    if Home::new(&check.folder).genesis_file().exists() {
        homes.push(Home::new(&check.folder));
    }
    let entries = std::fs::read_dir(&check.folder).map_err(|error| at(&check.folder, &error))?;
    for entry in entries {
        let home = Home::new(entry?.path());
        if home.genesis_file().exists() {
            homes.push(home);
        }
    }
    homes.sort_by(|left, right| left.folder().cmp(right.folder()));
    let Some(first) = homes.first() else {
        bail!("{}: no genesis.bin here nor one folder below", check.folder.display());
    };
    let expected = match &check.chain {
        Some(chain) => chain.clone(),
        None => first.read_genesis()?.chain().to_string(),
    };
    let mut found = 0_usize;
    for home in &homes {
        let findings = match inspect(home) {
            Err(finding) => vec![finding],
            Ok((genesis, mut findings)) => {
                if genesis.chain().to_string() != expected {
                    let (path, found) = (home.genesis_file(), genesis.chain());
                    findings.push(Finding::Chain { path, expected: expected.clone(), found });
                }
                findings
            }
        };
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
        found += findings.len();
    }
    let verdict = match (found, language) {
        (0, Language::Zh) => format!("{} 处文件一致，链标识 {expected}", homes.len()),
        (0, Language::En) => format!("{} folders agree, chain {expected}", homes.len()),
        (_, Language::Zh) => format!("发现 {found} 处不一致"),
        (_, Language::En) => format!("{found} differences found"),
    };
    writeln!(out, "{verdict}")?;
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DIFFERENT) })
}

fn describe(genesis: &Genesis, language: Language, out: &mut impl Write) -> io::Result<()> {
    for (label, value) in overview(genesis, language) {
        writeln!(out, "{label}  {value}")?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Genesis> {
    let path = if path.is_dir() { Home::new(path).genesis_file() } else { path.to_owned() };
    if path.extension().is_some_and(|extension| extension == "toml") {
        let text = files::read_text(&path, TEXT_BYTES_MAX)?;
        Genesis::from_toml(&text).map_err(|error| at(&path, &error))
    } else {
        let limit = u64::try_from(GENESIS_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = files::read(&path, limit)?;
        Genesis::read(&bytes).map_err(|error| at(&path, &error))
    }
}

/// An error of what a file holds, with the file.
fn at(path: &Path, error: &dyn std::error::Error) -> anyhow::Error {
    anyhow!("{}: {error}", path.display())
}

/// The password for new keys.
fn new_password(file: Option<&Path>, language: Language) -> anyhow::Result<Password> {
    let (first, again) = match language {
        Language::Zh => ("新密钥的密码: ", "再输一次: "),
        Language::En => ("Password for the new keys: ", "Once more: "),
    };
    let password = match file {
        Some(path) => Password::from_file(path)?,
        None => Password::ask_twice(first, again)?,
    };
    password.check_strength()?;
    Ok(password)
}
