use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;

fn main() -> std::io::Result<()> {
    fs::create_dir_all("d/e")?;
    fs::write("d/a.txt", "one\ntwo\n")?;
    OpenOptions::new().append(true).open("d/a.txt")?.write_all(b"three\n")?;
    for line in BufReader::new(File::open("d/a.txt")?).lines() {
        println!("{}", line?);
    }
    let mut file = File::options().read(true).write(true).open("d/a.txt")?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    println!("{:?}", fs::read_to_string("d/a.txt")?);
    fs::set_permissions("d/a.txt", fs::Permissions::from_mode(0o600))?;
    println!("{:o}", fs::metadata("d/a.txt")?.permissions().mode());
    let mut names: Vec<_> = fs::read_dir("d")?.map(|it| it.unwrap().file_name()).collect();
    names.sort();
    println!("{names:?}");
    println!("{}", fs::remove_dir("d").unwrap_err());
    println!("{}", File::open("none").unwrap_err());
    println!("{:?}", File::create("/etc/x").is_err());
    fs::remove_dir_all("d")
}
