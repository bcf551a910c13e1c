use sha2::{Digest, Sha256};

use super::*;

const GONE: &str = "AAAAAAAAAAAAAAAAAAAA";
const KEPT: &str = "BBBBBBBBBBBBBBBBBBBB";

fn sum(dir: &Path, name: &str) -> String {
    let bytes = fs::read(dir.join(name)).expect("read");
    crate::words::hex::encode(Sha256::digest(bytes).into())
}

/// An export with one folder per session, the file 0001.wav, and `rows` in its table.
fn export(rows: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path();
    for session in [GONE, KEPT] {
        fs::create_dir(path.join(session)).expect("made");
        fs::write(path.join(session).join("a.wav"), session).expect("written");
    }
    fs::write(path.join("0001.wav"), "voice").expect("written");
    fs::write(path.join(REPORT), "<audio>").expect("written");
    fs::write(path.join("README"), format!("Sessions:\n{GONE}\n{KEPT}\n")).expect("written");
    let table = format!("file_name,session,profile,text\n{rows}");
    fs::write(path.join(METADATA), table).expect("written");
    let names = [
        "0001.wav",
        METADATA,
        "README",
        REPORT,
        &format!("{GONE}/a.wav"),
        &format!("{KEPT}/a.wav"),
    ];
    let sums: String = names
        .iter()
        .map(|name| format!("{}  {name}\n", sum(path, name)))
        .collect();
    fs::write(path.join(SUMS), sums).expect("written");
    dir
}

fn cleaned(export: &Path) -> Part {
    let mut parts = clean(export, &[GONE].into(), false).expect("cleaned");
    parts.remove(GONE).unwrap_or_default()
}

fn table(export: &Path) -> String {
    fs::read_to_string(export.join(METADATA)).expect("read")
}

#[test]
fn a_row_that_a_spreadsheet_saved_in_other_letters_goes_too() {
    let lower = GONE.to_lowercase();
    let other = format!("{KEPT}/a.wav,{KEPT},,y\n");
    let made = export(&format!("0001.wav, {lower} ,,x\n{other}"));
    let part = cleaned(made.path());
    assert_eq!((part.erased.files, part.rows), (1, 1));
    assert!(table(made.path()).ends_with(&other) && !table(made.path()).contains(&lower));
}

#[test]
fn files_rows_sums_and_report_of_a_session_go_and_the_rest_stays() {
    let above = tempfile::tempdir().expect("a folder");
    let outside = above.path().join("outside.wav");
    fs::write(&outside, "other").expect("written");
    let other = format!("{KEPT}/a.wav,{KEPT},,\"{GONE}\"\n");
    let made = export(&format!(
        "{GONE}/a.wav,{GONE},,\"one\nline, \"\"two\"\"\"\n\
         0001.wav,{GONE},,x\n\
         ../outside.wav,{GONE},,x\n{other}"
    ));
    let path = &above.path().join("export");
    fs::rename(made.path(), path).expect("moved");
    let part = cleaned(path);
    assert_eq!((part.erased.files, part.rows), (2, 3));
    let mentions = "line 6: a row of someone else mentions the session; ";
    assert!(part.erased.stays[0].starts_with(mentions), "{part:?}");
    assert_eq!(
        table(path),
        format!("file_name,session,profile,text\n{other}")
    );
    assert!(outside.exists() && !path.join(REPORT).exists());
    let sums = fs::read_to_string(path.join(SUMS)).expect("read");
    let names: Vec<&str> = sums.lines().map(|line| &line[66..]).collect();
    assert_eq!(names, [METADATA, "README", &format!("{KEPT}/a.wav")]);
    for line in sums.lines() {
        assert_eq!(line[..64], sum(path, &line[66..]));
    }
    let readme = fs::read_to_string(path.join("README")).expect("read");
    assert_eq!(readme, format!("Sessions:\n{KEPT}\n"));
    fs::remove_dir(path.join(GONE)).expect("empty");
    let again = cleaned(path);
    assert_eq!(
        (again.erased.files, again.rows, again.erased.stays.len()),
        (0, 0, 1)
    );
    fs::write(path.join(METADATA), table(path).replace(GONE, "x")).expect("mended");
    assert!(
        clean(path, &[GONE].into(), false)
            .expect("again")
            .is_empty()
    );
}

#[test]
fn rows_go_whatever_ends_their_lines() {
    let rows = format!(
        "{GONE}/a.wav,{GONE},,x\n{KEPT}/a.wav,{KEPT},,\"y\nz\"\n{GONE}/b.wav,{GONE},,x\n\
         {KEPT}/b.wav,{KEPT},,y\n"
    );
    for ends in ["\r", "\r\n", "\n\r", "half", "mark"] {
        let made = export(&rows);
        let text = table(made.path());
        let (one, two) = text.split_at(text.len() / 2);
        let text = match ends {
            "half" => one.replace('\n', "\r") + two,
            "mark" => format!("\u{feff}{text}"),
            ends => text.replace('\n', ends),
        };
        fs::write(made.path().join(METADATA), &text).expect("saved");
        let part = cleaned(made.path());
        assert_eq!(
            (part.rows, part.erased.stays.len()),
            (2, 0),
            "{ends:?}: {part:?}"
        );
        let left = table(made.path());
        assert!(
            !left.contains(GONE) && left.matches(KEPT).count() == 4,
            "{left:?}"
        );
        let sums = fs::read_to_string(made.path().join(SUMS)).expect("read");
        assert!(sums.contains(&sum(made.path(), METADATA)), "{ends:?}");
    }
}

#[test]
fn a_table_whose_rows_hide_is_never_called_clean() {
    let good = format!("file_name,session,profile,text\n{GONE}/a.wav,{GONE},,x\n");
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hidden = [
        [&b"\xff\xfe"[..], &utf16].concat(),
        good.replace(',', ";").into_bytes(),
        good.replace(',', "\t").into_bytes(),
        good.replace("session", "person").into_bytes(),
        // Columns one further than the header says, or a name that is not alone in its cell.
        good.replace(&format!(",{GONE}"), &format!(",a, b,{GONE}"))
            .into_bytes(),
        good.replace(&format!(",{GONE}"), &format!(",x {GONE}"))
            .into_bytes(),
        good.replace(&format!(",{GONE}"), ",\0")
            .replace('x', GONE)
            .into_bytes(),
        good.replace(",x", ",\"x").into_bytes(),
        format!("\"{good}").into_bytes(),
        format!("{good}{}{GONE}", "x".repeat(3 << 20)).into_bytes(),
        good.to_lowercase().replace("session", "s").into_bytes(),
        format!("{GONE},{}", good.replace(GONE, KEPT)).into_bytes(),
    ];
    for bytes in hidden {
        let made = export("");
        fs::write(made.path().join(METADATA), &bytes).expect("saved");
        let part = cleaned(made.path());
        let left = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            !part.erased.stays.is_empty(),
            "{}",
            &left[..left.len().min(200)]
        );
    }
}

#[test]
fn a_thousand_damaged_rows_are_one_sentence() {
    let made = export(&format!("{KEPT},\"{GONE}\n").repeat(1000));
    let part = cleaned(made.path());
    let [stays] = part.erased.stays.as_slice() else {
        panic!("{part:?}");
    };
    assert!(
        stays.starts_with("lines 2, 3, 4 and 997 more: the row is damaged"),
        "{stays}"
    );
}

#[test]
fn a_list_that_still_mentions_a_session_is_named() {
    let made = export(&format!("{GONE}/a.wav,{GONE},,x\n"));
    let sums = made.path().join(SUMS);
    let line = format!("see old-{GONE}\n");
    fs::write(&sums, fs::read_to_string(&sums).expect("read") + &line).expect("written");
    let part = cleaned(made.path());
    assert_eq!(part.rows, 1);
    assert!(
        part.erased.stays[0].starts_with("SHA256SUMS still mentions"),
        "{part:?}"
    );
    assert_eq!(
        cleaned(made.path()).erased.stays,
        part.erased.stays,
        "again"
    );
}

#[test]
fn a_table_that_is_being_written_is_no_leftover() {
    let made = export(&format!("{KEPT}/a.wav,{KEPT},,x\n"));
    let mut writing = small::Writing::begin(&made.path().join(METADATA), 0o644).expect("begun");
    std::io::Write::write_all(&mut writing, GONE.as_bytes()).expect("written");
    std::io::Write::flush(&mut writing).expect("written");
    assert_eq!(cleaned(made.path()).erased.files, 0);
    writing.finish().expect("its name");
    assert!(!cleaned(made.path()).erased.stays.is_empty());
}

#[test]
fn a_folder_that_is_no_export_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join(METADATA), "name,text\nx,y\n").expect("written");
    assert_eq!(cleaned(dir.path()), Part::default());
    fs::write(dir.path().join(METADATA), format!("name,text\nx,{GONE}\n")).expect("written");
    assert!(cleaned(dir.path()).erased.stays[0].contains("no column `session`"));
}

#[test]
fn no_row_costs_another_person_a_file() {
    let others = format!("{KEPT}/a.wav,{GONE},,x\nREADME,{GONE},0001.wav,x\n");
    let made = export(&others);
    let part = cleaned(made.path());
    assert_eq!((part.erased.files, part.rows), (0, 2));
    let is_there = |name: &str| made.path().join(name).exists();
    assert!(is_there(&format!("{KEPT}/a.wav")) && is_there("0001.wav"));

    let shared = format!("0001.wav,{GONE},,x\n0001.wav,{KEPT},,x\n");
    let made = export(&shared);
    let part = cleaned(made.path());
    assert_eq!((part.erased.files, part.rows), (0, 0));
    assert!(part.erased.stays[0].starts_with("0001.wav is named by rows of several"));
    assert!(made.path().join("0001.wav").exists() && table(made.path()).contains(&shared));
}

#[test]
fn a_file_is_the_same_by_whatever_way_it_is_named() {
    for (theirs, others) in [
        ("./0001.wav", "0001.wav"),
        ("0001.wav", "./0001.wav"),
        ("way/0001.wav", "0001.wav"),
        (&format!("{KEPT}/../0001.wav"), "0001.wav"),
    ] {
        let made = export(&format!("{theirs},{GONE},,x\n{others},{KEPT},,x\n"));
        std::os::unix::fs::symlink(".", made.path().join("way")).expect("linked");
        let part = cleaned(made.path());
        assert_eq!((part.erased.files, part.rows), (0, 0), "{theirs} {others}");
        assert!(made.path().join("0001.wav").exists());
    }
    let made = export(&format!("./0001.wav,{GONE},,x\nway/a.wav,{GONE},,x\n"));
    std::os::unix::fs::symlink(KEPT, made.path().join("way")).expect("linked");
    let part = cleaned(made.path());
    assert_eq!((part.erased.files, part.rows), (1, 2));
    assert!(!made.path().join("0001.wav").exists());
    assert!(made.path().join(KEPT).join("a.wav").exists());
    let sums = fs::read_to_string(made.path().join(SUMS)).expect("read");
    assert!(!sums.contains("0001.wav") && sums.contains(KEPT), "{sums}");
}

#[test]
fn a_list_behind_a_link_is_cleaned_where_it_lies_or_reported() {
    for name in [METADATA, SUMS, "README"] {
        let made = export(&format!("{GONE}/a.wav,{GONE},,x\n"));
        let (path, list) = (made.path(), made.path().join(name));
        fs::create_dir(path.join("lists")).expect("made");
        fs::rename(&list, path.join("lists").join(name)).expect("moved");
        std::os::unix::fs::symlink(Path::new("lists").join(name), &list).expect("linked");
        assert_eq!(cleaned(path).rows, 1);
        let text = fs::read_to_string(path.join("lists").join(name)).expect("read");
        assert!(list.is_symlink() && !text.contains(GONE), "{name}: {text}");

        let made = export(&format!("{GONE}/a.wav,{GONE},,x\n"));
        let (list, other) = (made.path().join(name), tempfile::tempdir().expect("made"));
        let to = other.path().join(name);
        fs::copy(&list, &to).expect("moved");
        fs::remove_file(&list).expect("moved");
        std::os::unix::fs::symlink(&to, &list).expect("linked");
        let text = fs::read(&to).expect("read");
        let refused = || clean(made.path(), &[GONE].into(), false).expect_err("refused");
        assert!(refused().to_string().contains("is a link to"));
        assert!(list.is_symlink() && fs::read(&to).expect("read") == text);
        fs::remove_file(&to).expect("dangling");
        assert!(refused().to_string().contains("is a link to"));
    }
}

#[test]
fn a_stray_quote_hides_no_row_and_what_is_behind_it_is_reported() {
    let good = format!("{GONE}/a.wav,{GONE},,\"x, y\"\n");
    let stray = format!("{KEPT}/a.wav,{KEPT},,\"so\n");
    let made = export(&format!("{stray}{good}"));
    let part = cleaned(made.path());
    assert_eq!((part.erased.stays.len(), part.rows), (0, 1));
    assert!(table(made.path()).ends_with(&stray));

    let made = export(&format!("{GONE}/a.wav,{GONE},,\"so\n{good}"));
    let part = cleaned(made.path());
    assert_eq!(part.rows, 1);
    assert!(part.erased.stays[0].starts_with("line 2: the row is damaged"));
    assert!(!made.path().join(REPORT).exists());
}

#[test]
fn a_temporary_list_left_by_a_kill_goes_with_its_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["metadata.csv.new", "SHA256SUMS.new"] {
        fs::write(dir.path().join(name), format!("{GONE}/a.wav")).expect("written");
    }
    fs::write(dir.path().join("metadata.csv.bak"), GONE).expect("written");
    assert_eq!(cleaned(dir.path()).erased.files, 2);
    let names = small::names(dir.path()).expect("names");
    assert_eq!(names, ["metadata.csv.bak"]);
}
