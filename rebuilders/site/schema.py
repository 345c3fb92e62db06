"""What a site's generator remembers between runs: tables of an SQLite file that can be thrown away and made anew."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table

METADATA: Final = MetaData()

META: Final = Table(
    "meta", METADATA, Column("key", String, primary_key=True), Column("value", String, nullable=False)
)
# How far each log has been read, and of how many entries of which kind.
SOURCES: Final = Table(
    "sources",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("root", String, nullable=False),
    Column("observations", Integer, nullable=False),
    Column("commitments", Integer, nullable=False),
    Column("other", Integer, nullable=False),
)
# rebuilders.site.seen.Seen
OBSERVATIONS: Final = Table(
    "observations",
    METADATA,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("project", String, nullable=False, index=True),
    Column("version", String, nullable=False),
    Column("filename", String, nullable=False),
    Column("sha256", String, nullable=False, index=True),
    Column("method", String, nullable=False),
    Column("result", String, nullable=False),
    Column("level", String, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("finished", Integer, nullable=False, index=True),
    Column("differences", Integer, nullable=False),
    Column("cause", String, nullable=False),
)
# rebuilders.site.standing.Standing, by project: two nodes may call one file by names of two.
FILES: Final = Table(
    "files",
    METADATA,
    Column("project", String, primary_key=True),
    Column("sha256", String, primary_key=True),
    Column("filename", String, nullable=False),
    Column("version", String, nullable=False),
    Column("state", String, nullable=False),
    Column("level", String, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("first", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("voices", String, nullable=False),
    Column("regressed", String, nullable=False),
    Index("files_by_state", "state", "at"),
    Index("files_by_regression", "regressed", "at"),
)
PROJECTS: Final = Table(
    "projects",
    METADATA,
    Column("name", String, primary_key=True),
    Column("files", Integer, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("differed", Integer, nullable=False),
    Column("at", Integer, nullable=False),
)
# What a project is found by: names.words_of.
WORDS: Final = Table(
    "words", METADATA, Column("word", String, primary_key=True), Column("project", String, primary_key=True)
)
# Numbers that the front page shows; `day` since 1970, or 0.
TOTALS: Final = Table(
    "totals",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
)
# What pages are to be written: of a file, of a project, or the lists that a project is in.
STALE: Final = Table(
    "stale", METADATA, Column("kind", String, primary_key=True), Column("key", String, primary_key=True)
)
# The difference reports that were there, by their times and sizes, and the times of the directories that they are in.
REPORTS: Final = Table(
    "reports",
    METADATA,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("folder", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("stamp", String, nullable=False),
)
