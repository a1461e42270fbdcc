# Unpacks an environment's crates, and compiles them ahead: ARCHIVES FOLDER PLACE TARGET CONFIG, and
# cargo's variables. The folder is at the place later. What a package runs while it is compiled,
# build scripts and procedural macros, runs here.
in=$1 out=$2 place=$3 target=$4 config=$5
shift 5
export "$@"
export RUSTC_WRAPPER="$out.work/record" SOURCE_DATE_EPOCH=315532800
work=$out.work
mkdir -p "$out/crates" "$out/target" "$work" "$CARGO_HOME" &&
    cp "$in/Cargo.lock" "$in/dependencies" "$out" && cp "$in/Cargo.toml" "$in/Cargo.lock" "$work" &&
    printf %s "$config" >"$CARGO_HOME/config.toml" && echo 'fn main() {}' >"$work/main.rs" || exit

while read -r name digest is_used; do
    crate=$out/crates/$name
    tar -C "$out/crates" --no-same-owner -xzf "$in/$name.crate" && [ -d "$crate" ] || exit
    if [ "$is_used" = no ]; then
        # Of packages for other systems cargo reads what they say of themselves, and no source.
        find "$crate" -type f ! -name Cargo.toml ! -name '*.rs' -exec rm -f {} + &&
            find "$crate" -name '*.rs' -exec truncate -s 0 {} + || exit
    fi
    printf '{"files":{},"package":"%s"}' "$digest" >"$crate/.cargo-checksum.json" || exit
done <"$in/crates"

# What cargo tells the compiler of packages, for programs that are compiled without cargo.
cat >"$RUSTC_WRAPPER" <<END
#!/bin/sh
if [ -n "\$CARGO_PRIMARY_PACKAGE" ]; then
    last=
    for word; do
        case \$last in --extern | -L) printf '%s\\n%s\\n' "\$last" "\$word" ;; esac
        last=\$word
    done >"$work/args"
fi
exec "\$@"
END
chmod 755 "$RUSTC_WRAPPER" || exit
cargo build --quiet --offline --locked --manifest-path "$work/Cargo.toml" --target-dir "$target" ||
    exit
sed "s|=$target/debug/|=$place/target/|; s|=$out/|=$place/|" "$work/args" >"$out/rustc.args" || exit

name='drybox[-_]environment-????????????????'
rm -rf "$target"/debug/deps/$name* "$target"/debug/.fingerprint/$name "$target"/debug/deps/*.d
for part in .fingerprint build deps; do # copied, for some files have two names
    [ ! -d "$target/debug/$part" ] || cp -R "$target/debug/$part" "$out/target/$part" || exit
done
