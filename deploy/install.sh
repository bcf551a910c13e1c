#!/bin/sh
# Makes a Raspberry Pi with the package booth a box whose plug may be pulled. Run it again at will:
# what is as it should be stays untouched.
#
#   install.sh --board NAME --data DEVICE [--format] [--sound OVERLAY] [--rtc CHIP] [--dry-run]
#   install.sh --uninstall [--dry-run]
#
# --board NAME      the board profile, for the panel's SPI bus
# --data DEVICE     an ext4 partition of its own for the recordings: /dev/..., UUID=..., LABEL=...
# --format          makes an ext4 file system on it, if it has none
# --sound OVERLAY   an I2S sound card's overlay, such as hifiberry-dacplusadc
# --rtc CHIP        a clock chip on I2C, such as ds3231
# --writable-root   leaves root without an overlay, for a bench; a box needs it
# --dry-run         lists every change and makes none
# --uninstall       takes back what was done; the recordings and their partition stay
# --root DIR        works on the system below DIR instead of the running one
set -eu
# The service's user reads what is made here.
umask 022

usage() { sed -n '5,16s/^# \{0,1\}//p' "$0" >&2; exit 2; }
refuse() { echo "install.sh: $*" >&2; exit 1; }

root='' board='' data='' sound='' rtc='' format=false dry=false undo=false overlay=true
while [ $# -gt 0 ]; do
  case $1 in
    --root | --board | --data | --sound | --rtc)
      [ $# -ge 2 ] || usage
      case $1 in
        --root) root=${2%/} ;;
        --board) board=$2 ;;
        --data) data=$2 ;;
        --sound) sound=$2 ;;
        --rtc) rtc=$2 ;;
      esac
      shift ;;
    --format) format=true ;;
    --writable-root) overlay=false ;;
    --dry-run) dry=true ;;
    --uninstall) undo=true ;;
    *) usage ;;
  esac
  shift
done

here=$(dirname "$0")
mount=/var/lib/booth
# What was done, one thing a line, written before it is done: --uninstall reads it backwards.
state=$root/etc/booth/install.state
boot=$root/boot/firmware
[ -e "$boot/config.txt" ] || boot=$root/boot
scratch=$(mktemp -d)
: > "$scratch/folders"
trap 'rm -rf "$scratch"' EXIT
changes=0

say() { changes=$((changes + 1)); echo "$*"; }
done_before() { [ -e "$state" ] && grep -qxF "$1" "$state"; }
remember() {
  if $dry || done_before "$1"; then return; fi
  echo "$1" >> "$state"
  sync "$state"
}

# Gives FILE the content of $scratch/new: whole or not at all, with its owner and mode.
replace() {
  if cmp -s "$1" "$scratch/new"; then return; fi
  say "change ${1#"$root"}"
  diff "$1" "$scratch/new" | grep '^[<>]' | sed 's/^</    -/; s/^>/    +/' || true
  if ! $dry; then
    cp -p "$1" "$1.booth-new"
    cat "$scratch/new" > "$1.booth-new"
    sync "$1.booth-new"
    mv "$1.booth-new" "$1"
  fi
}

# FILE as it would be without this script, into $scratch/original. Whoever edits the boot partition
# elsewhere may leave it with other ends of lines.
original() {
  [ "$(grep -c '^# booth: begin\r*$' "$1")" = "$(grep -c '^# booth: end\r*$' "$1")" ] ||
    refuse "$1 has lost one of the marks '# booth: begin' and '# booth: end'; put it back, since what" \
      "stands between them is replaced"
  sed -e '/^# booth: begin\r*$/,/^# booth: end\r*$/d' -e 's/^#booth: was: //' "$1" > "$scratch/original"
  if done_before "newline ${1#"$root"}" && [ -z "$(tail -c 1 "$scratch/original")" ]; then
    truncate -s -1 "$scratch/original"
  fi
  if [ -e "$state" ]; then
    sed -n "s|^word ${1#"$root"} ||p" "$state" | while read -r word; do
      sed -i "1s, $word\( \|\$\),\1," "$scratch/original"
    done
  fi
}

# Appends standard input to FILE, between marks. Lines that match the expression WITHOUT, if any, are
# commented out.
block() {
  original "$1"
  remember "edit ${1#"$root"}"
  if [ -s "$scratch/original" ] && [ -n "$(tail -c 1 "$scratch/original")" ]; then
    remember "newline ${1#"$root"}"
    echo >> "$scratch/original"
  fi
  if [ -n "${2-}" ]; then sed -i "s,^$2,#booth: was: &," "$scratch/original"; fi
  { cat "$scratch/original"; echo '# booth: begin'; cat; echo '# booth: end'; } > "$scratch/new"
  replace "$1"
}

# Appends words to the kernel's command line, which is one line.
words() {
  file=$boot/cmdline.txt
  original "$file"
  cp "$scratch/original" "$scratch/new"
  remember "edit ${file#"$root"}"
  for word in "$@"; do
    if ! head -n 1 "$scratch/original" | tr ' ' '\n' | grep -qxF "$word"; then
      remember "word ${file#"$root"} $word"
      sed -i "1s|\$| $word|" "$scratch/new"
    fi
  done
  replace "$file"
}

folder() {
  if [ -d "$root$1" ] || grep -qxF "$1" "$scratch/folders"; then return; fi
  folder "$(dirname "$1")"
  say "make $1/"
  remember "folder $1"
  # A dry run meets it again.
  echo "$1" >> "$scratch/folders"
  $dry || mkdir "$root$1"
}

# A file of ours: standard input, of mode MODE.
own() {
  cat > "$scratch/new"
  file=$root$1
  if [ -e "$file" ]; then
    if cmp -s "$file" "$scratch/new"; then return; fi
    done_before "own $1" || refuse "$file is there and was not made here; move it away"
    replace "$file"
    return
  fi
  folder "$(dirname "$1")"
  say "make $1"
  sed 's/^/    +/' "$scratch/new"
  remember "own $1"
  $dry || install -m "${2:-644}" "$scratch/new" "$file"
}

link() {
  if [ "$(readlink "$root$1" || true)" = "$2" ]; then return; fi
  if [ -e "$root$1" ] || [ -L "$root$1" ]; then refuse "$root$1 is there and leads elsewhere; move it away"; fi
  folder "$(dirname "$1")"
  say "link $1 -> $2"
  remember "own $1"
  $dry || ln -s "$2" "$root$1"
}

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || $dry || refuse "this changes the system: run it as root, or with --dry-run"
  if [ "$(findmnt -no FSTYPE /)" = overlay ]; then
    refuse "root is an overlay, and changes would be gone at the next start; take the word" \
      "overlayroot=tmpfs:recurse=0 out of $boot/cmdline.txt (mount -o remount,rw $boot), restart," \
      "and run this again"
  fi
  # It is read-only since an earlier run.
  $dry || mount -o remount,rw "$boot" 2>/dev/null || true
fi

finish() {
  if [ "$changes" = 0 ]; then echo "nothing to change"; exit 0; fi
  if $dry; then echo "$changes changes, none made"; exit 0; fi
  sync
  if [ -z "$root" ]; then
    systemctl daemon-reload || true
    echo "restart the box now: systemctl reboot"
    if $overlay && ! $undo; then
      echo "from then on nothing outlives a restart but the recordings: to change settings or to upgrade," \
        "see pi.md in /usr/share/doc/booth"
    fi
  fi
}

if $undo; then
  [ -e "$state" ] || { echo "nothing to change"; exit 0; }
  sed -n 's/^edit //p' "$state" > "$scratch/edits"
  while read -r path; do [ ! -e "$root$path" ] || original "$root$path"; done < "$scratch/edits"
  tac "$state" > "$scratch/undo"
  while read -r what path; do
    case $what in
      edit) if [ -e "$root$path" ]; then
          original "$root$path"
          cp "$scratch/original" "$scratch/new"
          replace "$root$path"
          # Of a run that was cut off.
          $dry || rm -f "$root$path.booth-new"
        fi ;;
      own) say "remove $path"; $dry || rm -f "$root$path" ;;
      folder) say "remove $path/, if it is empty"; $dry || rmdir "$root$path" 2>/dev/null || true ;;
    esac
  done < "$scratch/undo"
  say "remove ${state#"$root"}"
  $dry || rm -f "$state"
  finish
  exit 0
fi

profile=$here/../board/$board.toml
[ -e "$profile" ] || profile=$here/board/$board.toml
[ -n "$board" ] || usage
[ -e "$profile" ] || refuse "board $board has no profile in $here/board; known:" \
  "$(find "$here/../board" "$here/board" -name '*.toml' ! -name 'sim*' -exec basename -s .toml {} + 2>/dev/null | sort | tr '\n' ' ')"
[ -e "$root/usr/bin/booth" ] || refuse "$root/usr/bin/booth is missing: install the package booth first"
if $overlay; then
  [ -n "$data" ] || refuse "--data DEVICE is missing: under an overlay root, recordings without a" \
    "partition of their own would be gone at the next start"
  [ -e "$root/usr/share/initramfs-tools/scripts/init-bottom/overlayroot" ] ||
    refuse "the package overlayroot is missing: apt-get install overlayroot busybox"
  # Its script in the initramfs runs busybox's commands; without them it leaves root as it is, and says nothing.
  [ -e "$root/usr/bin/busybox" ] || [ -e "$root/bin/busybox" ] ||
    refuse "the package busybox is missing, without which overlayroot does nothing: apt-get install busybox"
  # By default overlayroot covers every mount of fstab, the recordings too.
  if grep -qE '(^| )overlayroot=tmpfs( |$)' "$boot/cmdline.txt"; then
    refuse "$boot/cmdline.txt has overlayroot=tmpfs, which puts the recordings into memory; turn it" \
      "off with raspi-config"
  fi
fi
if [ -n "$sound" ] && ! grep -qE '^i2s *= *true' "$profile"; then
  refuse "--sound: board $board does not keep GPIO 18 to 21 for an I2S card; take a profile with" \
    "i2s = true"
fi
$dry || [ -d "$root/etc/booth" ] || refuse "$root/etc/booth is missing: install the package booth first"
case $data$sound$rtc in
  *[!A-Za-z0-9_.,:=/+-]*) refuse "--data, --sound and --rtc are words without blanks; take UUID= for a" \
    "partition whose label has some" ;;
esac
for file in "$root/etc/fstab" "$boot/config.txt" "$boot/cmdline.txt"; do
  [ -e "$file" ] || refuse "$file is missing: is this a Raspberry Pi's system?"
  [ ! -L "$file" ] || refuse "$file is a link, and would be replaced by a file; put the file there"
  original "$file"
done
head -n 1 "$boot/cmdline.txt" | grep -q '[^[:space:]]' || refuse "$boot/cmdline.txt has no words on its first line"
spi=$(sed -n 's/^spi *= *"\([0-9]\)\.\([0-9]\)".*/\1 \2/p' "$profile")
[ -n "$spi" ] || refuse "board $board has no panel on SPI, so it is no board for a Pi"

# The partition of the recordings.
recorded=$(find "$root$mount" -mindepth 1 -maxdepth 1 ! -name '.*' ! -name log ! -name lost+found 2>/dev/null || true)
if [ -n "$data" ] && [ -n "$recorded" ] && ! mountpoint -q "$root$mount"; then
  refuse "$root$mount holds recordings or keys, which the partition would hide; move them onto it first"
fi
if [ -n "$data" ] && [ -z "$root" ]; then
  device=$(blkid -l -o device -t "$data" 2>/dev/null || echo "$data")
  [ -b "$device" ] || refuse "--data: $data is no partition here; lsblk shows them"
  kind=$(blkid -o value -s TYPE "$device" || true)
  case $kind in
    ext4) ;;
    '')
      $format || refuse "--data: $device has no file system; with --format it gets one"
      say "make an ext4 file system on $device"
      $dry || mkfs.ext4 -q -L booth-data -m 0 "$device" ;;
    *) refuse "--data: $device holds $kind, which is left alone; ext4 is needed" ;;
  esac
  # Names of devices change with their order of arrival.
  uuid=$(blkid -o value -s UUID "$device" || true)
  [ -z "$uuid" ] || data=UUID=$uuid
fi

# fstab. Options of the recordings:
#   noatime      reading writes nothing
#   discard      an erased voice leaves the flash at once, not when its blocks are needed again
#   commit=30    what counts is synced by the program; the rest may wait, and the card lives longer
#   errors=...   a failing card becomes a screen and not a restart
#   nofail       without the card the box starts and goes on looking, and no keyboard is asked for
# Swap on the card would hold names and codes in clear. The boot partition is only read.
boot_mount=${boot#"$root"}
original "$root/etc/fstab"
replaced="${boot_mount}[[:space:]]\+vfat\|[^[:space:]]\+[[:space:]]\+swap"
[ -z "$data" ] || replaced="$replaced\|$mount[[:space:]]\+[^[:space:]]\+"
boot_line=$(grep -E "^[^#[:space:]]+[[:space:]]+${boot_mount}[[:space:]]+vfat[[:space:]]" "$scratch/original" || true)
{
  if [ -n "$boot_line" ]; then
    echo "$boot_line" | awk '{ print $1, $2, $3, ($4 ~ /(^|,)ro(,|$)/ ? $4 : $4 ",ro"), $5, $6 }'
  fi
  if [ -n "$data" ]; then
    echo "$data $mount ext4" \
      "noatime,discard,commit=30,errors=remount-ro,nofail,x-systemd.device-timeout=30s,nodev,nosuid,noexec 0 2"
  fi
} > "$scratch/fstab"
block "$root/etc/fstab" "[^#[:space:]]\+[[:space:]]\+\($replaced\)[[:space:]]" < "$scratch/fstab"

# config.txt. The panel has no read line, so MISO of bus 0 (GPIO 9) is free for DC; select wires
# beyond the panel's stay free too. Without an initramfs there is no overlay root.
bus=spi${spi% *}-$((${spi#* } + 1))cs
case $bus in spi0*) bus=$bus,no_miso ;; esac
{
  echo '[all]'
  echo 'dtparam=spi=on'
  echo "dtoverlay=$bus"
  echo 'dtparam=watchdog=on'
  echo 'auto_initramfs=1'
  if [ -n "$sound" ]; then printf 'dtparam=i2s=on\ndtoverlay=%s\n' "$sound"; fi
  if [ -n "$rtc" ]; then printf 'dtparam=i2c_arm=on\ndtoverlay=i2c-rtc,%s\n' "$rtc"; fi
} > "$scratch/config"
block "$boot/config.txt" < "$scratch/config"

# A dirty file system is mended without asking; a panic ends in a restart.
set -- fsck.repair=yes panic=10
if $overlay; then set -- "$@" overlayroot=tmpfs:recurse=0; fi
words "$@"

# The journal wears no card and fills none; see usr/local/lib/booth/keep for what outlives a restart.
own /etc/systemd/journald.conf.d/booth.conf << 'END'
[Journal]
Storage=volatile
RuntimeMaxUse=32M
END

# The chip's timer has 15 s at most.
own /etc/systemd/system.conf.d/booth.conf << 'END'
[Manager]
RuntimeWatchdogSec=14s
RebootWatchdogSec=2min
CrashReboot=yes
END

# Unlike a mere start, this also starts the box again after its partition was missing, and after a
# `systemctl stop`: to have it silent, `systemctl mask --runtime --now booth`.
own /etc/systemd/system/multi-user.target.d/booth.conf << 'END'
[Unit]
Upholds=booth.service
END

# A partition that goes takes the box with it; the target above tries once, too early, to start it again.
own /etc/systemd/system/var-lib-booth.mount.d/booth.conf << 'END'
[Unit]
Wants=booth-clock.service
Upholds=booth.service
END

if [ -n "$data" ]; then
# Nothing else mounts a card that is put back.
own /etc/udev/rules.d/90-booth-card.rules << 'END'
SUBSYSTEM=="block", ENV{ID_FS_TYPE}=="ext4", TAG+="systemd", ENV{SYSTEMD_WANTS}+="booth-card.service"
END
own /usr/local/lib/booth/card 755 << 'END'
#!/bin/sh
# Mounts a card that was put back, perhaps while the box still stops.
set -eu
mount=/var/lib/booth unit=var-lib-booth.mount
device=$(findmnt -rno MAJ:MIN "$mount" || true)
# What is left of the old one would be in its way.
if [ -n "$device" ] && [ ! -e "/sys/dev/block/$device" ]; then umount --lazy "$mount"; fi
while [ -n "$(systemctl show --property=Job --value "$unit")" ]; do sleep 1; done
systemctl --no-block start "$unit"
END
own /etc/systemd/system/booth-card.service << 'END'
[Unit]
Description=A card of recordings that was put back
[Service]
Type=oneshot
TimeoutStartSec=3min
ExecStart=/usr/local/lib/booth/card
END
fi

# Under an overlay root nothing that is written to it outlives a restart: not the journal, and not
# the time that systemd-timesyncd keeps for a start without network.
own /usr/local/lib/booth/keep 755 << 'END'
#!/bin/sh
# Keeps beside the recordings what a restart would lose: the time, and of booth's words 3 MB at most.
set -eu
mkdir -p /var/lib/booth/log
cd /var/lib/booth/log
touch clock
# Told once a start.
if [ ! -e "$RUNTIME_DIRECTORY/cursor" ] && grep -q overlayroot=tmpfs /proc/cmdline &&
  ! grep -q ' / overlay ' /proc/mounts; then
  echo "$(date -Iseconds) booth-keep: root is no overlay although the command line asks for one:" \
    "the card is written to, and may break when the plug is pulled; see pi.md in /usr/share/doc/booth" | tee -a booth.log >&2
fi
journalctl --unit=booth.service --output=short-iso --quiet \
  --cursor-file="$RUNTIME_DIRECTORY/cursor" | tail -c 1000000 >> booth.log
if [ "$(stat -c %s booth.log)" -gt 1000000 ]; then mv booth.log booth.log.1; fi
END
own /etc/systemd/system/booth-keep.service << 'END'
[Unit]
Description=Time and words of the booth, kept beside its recordings
# It must not ask for the mount: that would undo the unmounting of a card which was pulled out.
ConditionPathExists=/var/lib/booth/.lock
After=booth.service
[Service]
Type=oneshot
User=booth
SupplementaryGroups=systemd-journal
# As long as the journal: a new one is read from its beginning.
RuntimeDirectory=booth-keep
RuntimeDirectoryPreserve=yes
ExecStart=/usr/local/lib/booth/keep
END
own /etc/systemd/system/booth-keep.timer << 'END'
[Timer]
OnActiveSec=1min
OnUnitActiveSec=5min
END
link /etc/systemd/system/timers.target.wants/booth-keep.timer /etc/systemd/system/booth-keep.timer
own /etc/systemd/system/booth-clock.service << 'END'
[Unit]
Description=A clock that never goes back, without network too
RequiresMountsFor=/var/lib/booth
ConditionPathExists=/var/lib/booth/log/clock
Before=booth.service booth-keep.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/bin/sh -c '[ "$(stat -c %%Y /var/lib/booth/log/clock)" -gt "$(date +%%s)" ] && date -s "$(stat -c @%%Y /var/lib/booth/log/clock)"'
END
link /etc/systemd/system/multi-user.target.wants/booth-clock.service /etc/systemd/system/booth-clock.service

# Swap: none on the card (Bookworm), or zram without a file behind it (Trixie).
link /etc/systemd/system/dphys-swapfile.service /dev/null
if [ -d "$root/etc/rpi" ]; then
  own /etc/rpi/swap.conf.d/booth.conf << 'END'
[Main]
Mechanism=zram
END
fi
# What they download would fill the memory that holds the overlay.
for unit in apt-daily.timer apt-daily-upgrade.timer man-db.timer; do
  link /etc/systemd/system/$unit /dev/null
done

finish
