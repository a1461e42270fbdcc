# Pins down SQLite on disk: transactions, WAL mode with its shared memory, locking, integrity errors.
import os
import sqlite3

db = sqlite3.connect("data.db", timeout=0)
print(db.execute("pragma journal_mode = wal").fetchone())
db.execute("create table item (id integer primary key, name text unique, price real)")
with db:
    db.executemany("insert into item (name, price) values (?, ?)", [("ä", 1.5), ("b", None), ("c", 2.25)])
try:
    with db:
        db.execute("insert into item (name) values ('new')")
        db.execute("insert into item (name) values ('b')")
except sqlite3.IntegrityError as error:
    print(error)
print(db.execute("select count(*), sum(price), group_concat(name) from item").fetchone())
other = sqlite3.connect("data.db", timeout=0)
db.execute("begin immediate")
try:
    other.execute("begin immediate")
except sqlite3.OperationalError as error:
    print(error)
print(sorted(os.listdir(".")))
db.rollback()
other.close()
db.close()
print(sorted(os.listdir(".")))
sqlite3.connect("no/such/dir/x.db")
