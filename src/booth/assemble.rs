//! From the configuration to the running parts: clerk, sphere, capture and recorder, board.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedded_graphics::geometry::Size;

use super::ahead::Ahead;
use super::device::Logged;
use super::disk::Disk;
use super::ending::Ending;
use super::face::Face;
use super::hands::Hands;
use super::health::Checkup;
use super::loudspeakers::Loudspeakers;
use super::threads::Threads;
use super::time::Time;
use super::visit::Visit;
use super::wall_clock::Wall;
use super::watch::{self, Watch};
use super::{Booth, Error, Options, judging, session_record, texts};
use crate::audio::mixer::Mixer;
use crate::board;
use crate::board::profile::Profile;
use crate::board::sim::script::Player;
use crate::clerk::{Clerk, Source};
use crate::config::Config;
use crate::corpus::Corpus;
use crate::embedded::CORPORA;
use crate::files::small;
use crate::forget;
use crate::identity::kept::Kept;
use crate::identity::participant::ParticipantError;
use crate::identity::pending::{Pending, PendingError};
use crate::identity::{operator, pending};
use crate::lang::Locale;
use crate::rt;
use crate::screen::Place;
use crate::screen::paint::Painter;
use crate::session::protocol::Protocol;
use crate::session::{Rules, Session};
use crate::store::{lock, schema};

impl Booth {
    /// Opens everything that a run needs; what is wrong is said before the doors open.
    pub(super) fn assemble(
        config: Config,
        protocol: Protocol,
        options: Options,
    ) -> Result<Booth, Error> {
        let locale = Arc::new(Locale::load(&config.language, &config.corpus)?);
        let profile = Profile::load(&config.board)?;
        refuse_simulation(&profile, &config, &options)?;
        let time = Time::new(options.fast, &config)?;
        let held = hold(&config.data)?;
        // Before anything of DATA is read: what is forgotten must not be recovered or offered.
        forget::apply(&config.data, config.privacy.pending_days)?;
        let expected = expected(&config, options.participant.as_deref())?;
        let mixer = mixer(&config)?;
        let panel = profile.panel.size();
        let kept = Kept::default();
        let clerk = clerk(
            &config,
            &locale,
            &protocol,
            panel,
            (mixer, kept.clone()),
            options.fast,
        )?;
        let mut sphere =
            Loudspeakers::start(&config, options.fast).map_err(Error::system("thread `sphere`"))?;
        sphere.silence(time.now());
        let stop = rt::stop_on_signals().map_err(Error::system("signals"))?;
        let judge = judging::of(&config, &protocol)?;
        let chain = time.start_chain(&config, judge, kept)?;
        let (buttons, mut panel) = board::open(
            &profile,
            &board::Options {
                fonts: config.fonts.clone(),
                screens: options.screens,
                hold: Duration::from_millis(u64::from(config.take.hold_ms)),
                keys: options.script.is_none(),
            },
        )?;
        let watch = Watch::new(config.audio.buffer_s);
        let consent = texts::shown(&protocol, &config, &locale, panel.painter())?;
        for (step, language) in texts::in_other_languages(&protocol, &locale) {
            let (protocol, box_language) = (&protocol.name, &locale.name);
            log::warn!(
                "protocol {protocol}: the text of step {step:?} is shown in {language}; add \
                 text.{box_language}"
            );
        }
        let seed = match options.script {
            Some(_) => config.corpus.seed,
            None => random().map_err(ParticipantError::from)?,
        };
        let rules = Rules {
            rate: config.audio.rate,
            take: config.take.clone(),
            locale,
            pages: consent
                .as_ref()
                .map_or_else(Vec::new, |it| it.pages.clone()),
            sphere: sphere.thread.is_some(),
            seed,
            buttons: profile.present(),
            sealed: session_record::is_sealed(&config),
            device_grace_s: config.audio.device_grace_s,
            resume_min: config.storage.resume_min,
        };
        let protocol = Arc::new(protocol);
        let session = Session::new(
            protocol.clone(),
            rules,
            expected.as_ref().map(|(number, _)| number.as_str().into()),
        );
        Ok(Booth {
            session,
            config,
            protocol,
            hands: Hands {
                buttons,
                player: options.script.map(Player::new),
                edges: Vec::new(),
            },
            face: Face::of(panel),
            threads: Threads {
                chain,
                clerk,
                sphere,
            },
            time,
            ahead: Ahead::default(),
            watch,
            wall: Wall::default(),
            _held: held,
            visit: Visit {
                expected,
                consent,
                ..Visit::default()
            },
            device_logged: Logged::default(),
            health: Checkup::default(),
            disk: Disk::default(),
            ending: Ending::on(stop),
            actions: Vec::new(),
        })
    }
}

/// A script and pictures of the screens need the simulated board.
fn refuse_simulation(profile: &Profile, config: &Config, options: &Options) -> Result<(), Error> {
    for (option, asked) in [
        ("script", options.script.is_some()),
        ("screens", options.screens.is_some()),
    ] {
        if asked && !profile.panel.driver.is_simulated() {
            let board = config.board.clone();
            return Err(Error::NotSimulated { option, board });
        }
    }
    Ok(())
}

/// The participant who was enrolled before, by number.
fn expected(
    config: &Config,
    number: Option<&str>,
) -> Result<Option<(String, Pending)>, PendingError> {
    let Some(number) = number else {
        return Ok(None);
    };
    let person = pending::read(&config.data, number)?;
    Ok(Some((number.to_owned(), person)))
}

/// Other commands hold the data folder for a moment, to apply tombstones: it is asked for this often,
const LOCK_TRIES: u32 = 10;
/// with this pause.
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// Holds the data folder for as long as the file lives, unless a newer version of booth wrote in it.
fn hold(data: &Path) -> Result<File, Error> {
    let path = || data.to_owned();
    let failed = |source| Error::Data {
        path: path(),
        source,
    };
    for _ in 0..LOCK_TRIES {
        if let Some(held) = lock::lock(data).map_err(failed)? {
            schema::sessions(data).map_err(Error::Sessions)?;
            return Ok(held);
        }
        std::thread::sleep(LOCK_WAIT);
    }
    Err(Error::Held(path()))
}

/// Sets the mixer's controls before anything is recorded.
///
/// With a service manager the box comes up without them: the clerk says which is not as configured,
/// and sets it as soon as it can, as when the card is plugged in.
fn mixer(config: &Config) -> Result<Option<Mixer>, Error> {
    let settings = config.audio.settings();
    if settings.is_empty() {
        return Ok(None);
    }
    let mut mixer = Mixer::of(&config.audio.device, settings);
    match mixer.hold().failed {
        Some(error) if !watch::is_managed() => Err(error.into()),
        _ => Ok(Some(mixer)),
    }
}

fn clerk(
    config: &Config,
    locale: &Locale,
    protocol: &Protocol,
    panel: Size,
    (mixer, kept): (Option<Mixer>, Kept),
    fast: bool,
) -> Result<Clerk, Error> {
    let path = if protocol.reads() {
        Some(corpus_path(config, locale)?)
    } else {
        None
    };
    let shard = config.corpus.shard.parse()?;
    if let Some(path) = &path {
        let corpus = Corpus::open(path, Some(&config.data))?;
        corpus.refuse_empty_shard(shard)?;
        if let Some(shape) = corpus.shape() {
            log::warn!("corpus {}: {shape}", path.display());
        }
    }
    let fonts = config.fonts.clone();
    // Made at the first line, in the clerk's thread.
    let mut painter: Option<Painter> = None;
    let look = Arc::new(Mutex::new(move |text: &str| {
        let painter = painter.get_or_insert_with(|| Painter::new(panel, &fonts));
        painter.undrawable(text, Place::Line)
    }));
    let source = Source {
        path,
        data: config.data.clone(),
        pending_days: config.privacy.pending_days,
        seed: config.corpus.seed,
        shard,
        look,
        recipients: operator::recipients(&config.privacy.recipient)?,
        dated: !fast,
        protocol_sha256: protocol.sha256.clone(),
        spec: config.audio.spec(),
        seals: session_record::is_sealed(config),
        kept,
        mixer,
    };
    Clerk::start(source).map_err(Error::system("thread `clerk`"))
}

fn random() -> Result<u64, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The configured corpus; a sample of the binary that is asked for and not there is written to
/// DATA/corpus first, where it may be edited.
fn corpus_path(config: &Config, locale: &Locale) -> Result<PathBuf, Error> {
    let path = &locale.corpus;
    let sample = CORPORA.iter().find(|(name, _)| path.ends_with(name));
    let Some((name, text)) = sample.filter(|_| !path.exists()) else {
        return Ok(path.to_owned());
    };
    let copy = config.data.join(name);
    // Version 0.1 did not sync it: a power cut soon after left a file without content.
    if copy.metadata().is_ok_and(|copy| copy.len() > 0) {
        return Ok(copy);
    }
    let folder = copy.parent().unwrap_or(&config.data);
    let write = || small::write(&copy, text.as_bytes(), small::PUBLIC);
    match std::fs::create_dir_all(folder).and_then(|()| write()) {
        Ok(()) => Ok(copy),
        Err(source) => Err(Error::Sample { path: copy, source }),
    }
}
