//! The command lines, for sh; `shell::script` gives them their arguments.

/// JACK's clients must not start a server of their own, so a dead server is noticed in 10 ms.
pub(super) const STATE: &str = r#"export JACK_NO_START_SERVER=1; command -v jack_showtime >/dev/null || { echo no tool jack_showtime; exit; }; timeout -s KILL 2 sh -c 'echo $$; exec jack_showtime' 2>/dev/null | { read -r p; read -r l; kill -KILL "$p" 2>/dev/null; [ -n "$l" ] || l="no jack"; printf "%s\n" "$l"; }"#;

/// Rate and frames of a period.
pub(super) const SHAPE: &str = r#"export JACK_NO_START_SERVER=1; for t in jack_samplerate jack_bufsize; do command -v $t >/dev/null || { echo no tool $t; exit; }; done; r=$(timeout -s KILL 2 jack_samplerate 2>/dev/null) && p=$(timeout -s KILL 2 jack_bufsize 2>/dev/null) && echo "$r $p" || echo no jack"#;

/// Sends `$1` to the transport. Where the tool was built without readline, only `exit` ends it.
pub(super) const VERB: &str = r#"export JACK_NO_START_SERVER=1; command -v jack_transport >/dev/null || { echo no tool jack_transport; exit; }; printf "%s\nexit\n" "$1" | timeout -s KILL 2 jack_transport >/dev/null 2>&1 && echo done || echo no jack"#;

/// The ports and their connections; the card's come first, should there be more than an answer holds.
pub(super) const PORTS: &str = r#"export JACK_NO_START_SERVER=1; command -v jack_lsp >/dev/null || { echo no tool jack_lsp; exit; }; o=$(timeout -s KILL 2 jack_lsp -c -p -t 2>/dev/null) && { echo "--- ports"; printf "%s\n" "$o" | head -c 60000; } || echo no jack"#;

/// The private folder of the token and of the mark: the login's runtime folder, which is in memory,
/// or else the home folder.
pub(super) const FOLDER: &str = r#"for d in "$XDG_RUNTIME_DIR" "/run/user/$(id -u)" "$HOME"; do [ -n "$d" ] && [ -d "$d" ] && [ -w "$d" ] && break; done; d="$d/.booth-sphere"; t="$d/deadman"; m="$d/loading"; "#;

/// Leaves the job with token `$1` that stops the transport in `$2` seconds. It keeps no channel
/// open. It counts the time since boot, which no clock jump moves. It ends as soon as the token
/// changes or is removed; if the whole folder is gone, it goes on.
pub(super) const ARM: &str = r#"for p in jack_transport timeout; do command -v $p >/dev/null || { echo no tool $p; exit; }; done; umask 077; mkdir -p "$d" 2>/dev/null && printf %s "$1" 2>/dev/null >"$t.new" && [ "$(cat "$t.new")" = "$1" ] && mv "$t.new" "$t" && read -r up rest </proc/uptime || { echo not armed; exit; }; end=$((${up%%.*} + $2)); export JACK_NO_START_SERVER=1; (trap "" HUP; while read -r up rest </proc/uptime && [ "${up%%.*}" -lt "$end" ]; do sleep 0.5; k=; read -r k <"$t"; [ "$k" = "$1" ] || [ ! -d "$d" ] || exit 0; done; for n in 1 2 3 4 5; do printf "stop\nexit\n" | timeout -s KILL 2 jack_transport && break; sleep 1; done; [ "$(cat "$t")" = "$1" ] && rm -f "$t") </dev/null >/dev/null 2>&1 & echo done"#;

/// Removes the token.
pub(super) const DISARM: &str = r#"rm -f "$t" "$t.new"; echo done"#;

/// The login's D-Bus session, which SSH does not set.
pub(super) const BUS: &str = r#"u=/run/user/$(id -u); export PYTHONIOENCODING=utf-8 XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$u}"; export DBUS_SESSION_BUS_ADDRESS="${DBUS_SESSION_BUS_ADDRESS:-unix:path=$XDG_RUNTIME_DIR/bus}"; "#;

/// Whether there is a ladish_control.
pub(super) const HAS_LADISH: &str =
    r#"command -v ladish_control >/dev/null || { echo no tool ladish_control; exit; }; "#;

/// Leaves the mark of a load of the track `$1`, with the time since boot; `$2` and so on are
/// ladish_control's words. A mark that is there already is another's and stays, unless it is older than
/// any load or of an earlier boot; who looks at it and lays it down has the lock. A project's folder
/// must be one, or the project that runs would end and none begin.
pub(super) const MARK: &str = r#"[ "$2" != pload ] || [ -f "$4/ladish-project.xml" ] || { printf "no project %s\n" "$4"; exit; }; command -v flock >/dev/null || { echo no tool flock; exit; }; w=$( (umask 077; mkdir -p "$d" && exec 9>"$d/lock" && flock 9 && read -r up rest </proc/uptime || exit; up=${up%%.*}; l=; IFS= read -r l <"$m"; a=${l%% *}; case $a in "" | *[!0-9]*) ;; *) [ "$a" -gt "$up" ] || [ "$((up - a))" -ge 600 ] || { echo another load; exit; };; esac; printf "%s %s\n" "$up" "$1" >"$m.new" && mv "$m.new" "$m" && echo done) 2>/dev/null); case $w in done) ;; "another load") echo "$w"; exit;; *) echo "refused: $d cannot be written there, where a load is marked"; exit;; esac; shift; "#;

/// Runs ladish_control. Killed by its time-out, it leaves status 137: not after `exec`, when sshd
/// would tell of a signal. Without a session bus it leaves only a traceback; that of a missing
/// module looks the same.
pub(super) const LADISH: &str = r#"o=$(timeout -s KILL 2 ladish_control "$@" 2>/dev/null); s=$?; [ "$s" != 127 ] || { echo no tool python3; exit; }; if [ "$s$o" = 1 ] && ! timeout -s KILL 1 python3 -c "import dbus" 2>/dev/null; then echo no module dbus; exit; fi; [ -z "$o" ] || printf "%s\n" "$o"; exit "$s""#;

/// Calls the method `$3` of the interface `$2` of ladish's object `$1`.
pub(super) const CALL: &str = r#"if command -v gdbus >/dev/null; then h=gdbus; o=$(timeout -s KILL 2 gdbus call --session --dest org.ladish --object-path "$1" --method "$2.$3" 2>&1); elif command -v busctl >/dev/null; then h=busctl; o=$(timeout -s KILL 2 busctl --user --json=short call org.ladish "$1" "$2" "$3" 2>&1); else echo no tool gdbus or busctl; exit; fi; s=$?; if [ "$s" = 0 ]; then printf "%s\n" "--- $h" "$o"; elif [ "$s" -gt 128 ]; then exit "$s"; else printf "DBus exception: %s\n" "$o"; fi"#;

/// Reads the mark, and how old it is. One that is later than now is of an earlier boot.
pub(super) const LOADING: &str = r#"echo "--- loading"; read -r up rest </proc/uptime; IFS= read -r l 2>/dev/null <"$m" || exit 0; a=${l%% *}; case $a in "" | *[!0-9]*) exit 0;; esac; [ "$a" -gt "${up%%.*}" ] || printf "%s %s\n" "$((${up%%.*} - a))" "${l#* }""#;

/// Removes the mark of a load of the track `$1`, and no other's.
pub(super) const LOADED: &str = r#"(exec 9>"$d/lock" && flock 9; IFS= read -r l <"$m" && [ "${l#* }" = "$1" ] && rm -f "$m") 2>/dev/null; echo done"#;

/// Whether a jackd of this user serves the name that JACK's clients ask for; the server that ladish
/// starts is a jackdbus. What follows the driver on its command line is the driver's.
pub(super) const STRAY: &str = r#"f=no; for p in /proc/[0-9]*; do [ -O "$p/comm" ] && read -r n <"$p/comm" && [ "$n" = jackd ] || continue; n=$(tr "\0" "\n" <"$p/cmdline" | sed -n -e "/^-d/q" -e "/^--driver/q" -e "/^-n$/{n;p;q}" -e "/^--name$/{n;p;q}" -e "s/^--name=//p" -e "s/^-n\(.\)/\1/p" | head -n 1); [ -n "$n" ] || n=$(tr "\0" "\n" <"$p/environ" | sed -n "s/^JACK_DEFAULT_SERVER=//p"); [ "${n:-default}" != "${JACK_DEFAULT_SERVER:-default}" ] || f=yes; done 2>/dev/null; printf "%s\n" "--- stray" "$f""#;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::sphere::shell::script;

    /// What a command line prints in a login whose folder is `home`, with a ladish_control that prints
    /// its words.
    fn said(home: &Path, parts: &[&str], words: &[&str]) -> String {
        let line = script(&parts.concat(), words);
        let mut sh = Command::new("sh");
        sh.args(["-c", &line]).env("XDG_RUNTIME_DIR", home);
        let output = sh.env("PATH", format!("{}:/usr/bin:/bin", home.display()));
        String::from_utf8(output.output().expect("sh").stdout).expect("text")
    }

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a folder");
        let tool = home.path().join("ladish_control");
        std::fs::write(&tool, "#!/bin/sh\nprintf '%s|' \"$@\"\n").expect("written");
        let mut chmod = Command::new("chmod");
        assert!(
            chmod
                .arg("755")
                .arg(&tool)
                .status()
                .expect("chmod")
                .success()
        );
        home
    }

    #[test]
    fn a_load_leaves_its_mark_and_is_passed_on_exactly() {
        let home = home();
        let load = [FOLDER, BUS, HAS_LADISH, MARK, LADISH];
        assert_eq!(said(home.path(), &[FOLDER, LOADING], &[]), "--- loading\n");
        for track in ["noise", " a  b ", "-n", "$(id)", "it's"] {
            let words = said(home.path(), &load, &[track, "sload", track]);
            assert_eq!(words, format!("sload|{track}|\n"));
            let mark = said(home.path(), &[FOLDER, LOADING], &[]);
            assert!(mark.ends_with(&format!(" {track}\n")), "{mark:?}");
            assert_eq!(said(home.path(), &[FOLDER, LOADED], &[track]), "done\n");
            assert_eq!(said(home.path(), &[FOLDER, LOADING], &[]), "--- loading\n");
        }
    }

    #[test]
    fn of_many_who_load_at_once_one_does() {
        let home = home();
        for round in 0..5 {
            let names: Vec<String> = (0..12).map(|it| format!("{round} {}", it / 2)).collect();
            let all = std::thread::scope(|scope| {
                let load = |name: &String| {
                    let (name, home) = (name.clone(), home.path());
                    let load = [FOLDER, BUS, HAS_LADISH, MARK, LADISH];
                    scope.spawn(move || said(home, &load, &[&name, "sload", &name]))
                };
                let loads: Vec<_> = names.iter().map(load).collect();
                let all = loads.into_iter().map(|load| load.join().expect("said"));
                all.collect::<Vec<String>>()
            });
            let ordered: Vec<_> = all.iter().filter(|it| it.starts_with("sload|")).collect();
            assert_eq!(ordered.len(), 1, "{all:?}");
            let name = ordered[0]
                .trim_start_matches("sload|")
                .trim_end_matches("|\n");
            let others = all.iter().filter(|it| *it == "another load\n");
            assert_eq!(others.count(), 11, "{all:?}");
            // That of another stays.
            assert_eq!(said(home.path(), &[FOLDER, LOADED], &["other"]), "done\n");
            let mark = said(home.path(), &[FOLDER, LOADING], &[]);
            assert!(mark.ends_with(&format!(" {name}\n")), "{mark:?}");
            assert_eq!(said(home.path(), &[FOLDER, LOADED], &[name]), "done\n");
            assert_eq!(said(home.path(), &[FOLDER, LOADING], &[]), "--- loading\n");
        }
    }

    #[test]
    fn a_mark_that_nobody_can_mean_any_more_is_replaced() {
        let home = home();
        let folder = home.path().join(".booth-sphere");
        std::fs::create_dir(&folder).expect("made");
        let uptime = std::fs::read_to_string("/proc/uptime").expect("read");
        let (up, _) = uptime.split_once('.').expect("seconds");
        let up: u64 = up.parse().expect("a number");
        let (old, later) = (up.checked_sub(600), up + 1000);
        let old = old.map(|old| format!("{old} other\n"));
        for mark in [
            Some(String::new()),
            Some("x".into()),
            Some(format!("{later} other\n")),
            old,
        ] {
            let Some(mark) = mark else { continue };
            std::fs::write(folder.join("loading"), &mark).expect("written");
            let load = [FOLDER, BUS, HAS_LADISH, MARK, LADISH];
            let words = said(home.path(), &load, &["noise", "sload", "noise"]);
            assert_eq!(words, "sload|noise|\n", "{mark:?}");
        }
    }

    #[test]
    fn a_project_that_is_not_there_is_never_ordered() {
        let home = home();
        let folder = home.path().join("it's a $(folder)");
        let folder = folder.to_str().expect("text");
        let track = format!("project:hall:{folder}");
        let order = || {
            let load = [FOLDER, BUS, HAS_LADISH, MARK, LADISH];
            said(home.path(), &load, &[&track, "pload", "hall", folder])
        };
        assert_eq!(order(), format!("no project {folder}\n"));
        assert_eq!(said(home.path(), &[FOLDER, LOADING], &[]), "--- loading\n");
        std::fs::create_dir(folder).expect("made");
        std::fs::write(format!("{folder}/ladish-project.xml"), "").expect("written");
        assert_eq!(order(), format!("pload|hall|{folder}|\n"));
    }
}
