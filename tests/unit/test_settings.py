"""What `[tool.sendoka]` and the environment may say, and how a slip is met."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendoka.dotenv import parse_env
from sendoka.errors import SettingsError
from sendoka.settings import Source, find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://app:s3cret@ep-calm-1.eu.neon.tech/main"


def project(folder: Path, table: str = "") -> Path:
    (folder / "pyproject.toml").write_text(f"[tool.sendoka]\n{table}\n", encoding="utf-8")
    return folder


class TestTheTable:
    def test_has_a_default_for_every_folder(self, tmp_path: Path) -> None:
        settings = read_settings(project(tmp_path))
        assert (settings.schema, settings.migrations, settings.backfill) == (
            tmp_path / "schema",
            tmp_path / "migrations",
            tmp_path / "backfill",
        )

    def test_names_folders_relative_to_its_own_file(self, tmp_path: Path) -> None:
        project(tmp_path, 'schema = "db/schema"\nmigrations = "../migrations"')
        below = tmp_path / "src" / "deep"
        below.mkdir(parents=True)
        settings = read_settings(below)
        assert settings.root == tmp_path
        assert settings.schema == tmp_path / "db" / "schema"
        assert settings.migrations == tmp_path / "../migrations"

    def test_hands_the_rules_on_as_they_stand(self, tmp_path: Path) -> None:
        settings = read_settings(project(tmp_path, '[tool.sendoka.rules]\nids = false\ntenants = ["a"]'))
        assert settings.rules == {"ids": False, "tenants": ["a"]}

    def test_is_looked_for_above_a_pyproject_without_one(self, tmp_path: Path) -> None:
        project(tmp_path, 'schema = "tables"')
        inner = tmp_path / "package"
        inner.mkdir()
        (inner / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
        assert read_settings(inner).schema == tmp_path / "tables"

    def test_may_be_missing(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
        assert read_settings(tmp_path).schema == tmp_path / "schema"

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ('shema = "x"', "no key 'shema'[\\s\\S]*did you mean 'schema'"),
            ('backfills = "x"', "did you mean 'backfill'"),
            ("zzz = 1", "it knows schema, migrations, backfill, namespace, rules"),
            ("schema = 3", "schema in .tool.sendoka. must be a folder's path in quotes, not 3"),
            ('migrations = ""', "migrations in .tool.sendoka. must be a folder"),
            ("rules = 3", "rules in .tool.sendoka. must be a table, not 3"),
            ("schema = [", "not valid TOML"),
        ],
    )
    def test_with_a_slip_is_an_error_that_names_the_way_out(self, tmp_path: Path, table: str, message: str) -> None:
        with pytest.raises(SettingsError, match=message) as caught:
            read_settings(project(tmp_path, table))
        assert str(tmp_path / "pyproject.toml") in str(caught.value)
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize("name", ["sendokka", "sendoko", "Sendoka"])
    def test_with_a_misspelled_name_is_not_passed_over(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "pyproject.toml").write_text(f'[tool.{name}]\nschema = "x"\n', encoding="utf-8")
        with pytest.raises(SettingsError, match=rf"\[tool.{name}\][\s\S]*did you mean \[tool.sendoka\]"):
            read_settings(tmp_path)

    @pytest.mark.parametrize("name", ["black", "send", "sonar"])
    def test_does_not_take_another_tools_name_for_a_slip(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "pyproject.toml").write_text(f"[tool.{name}]\n", encoding="utf-8")
        assert read_settings(tmp_path).schema == tmp_path / "schema"

    @pytest.mark.parametrize("text", ["[tool]\nsendoka = 1\n", "tool = 1\n"])
    def test_that_is_no_table_is_not_read_as_one(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        if "sendoka" in text:
            with pytest.raises(SettingsError, match="must be a table"):
                read_settings(tmp_path)
        else:
            assert read_settings(tmp_path).root == tmp_path

    def test_in_a_file_that_is_not_utf8_names_the_byte(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_bytes(b"# caf\xe9\n")
        with pytest.raises(SettingsError, match="not UTF-8"):
            read_settings(tmp_path)


class TestTheConnectionString:
    def find(self, folder: Path, env_file: Path | None = None, **environ: str) -> Source:
        return find_source(read_settings(project(folder)), env_file=env_file, environ=environ)

    def write(self, file: Path, url: str = URL) -> Path:
        file.write_text(f"DATABASE_URL={url}\n", encoding="utf-8")
        return file

    def test_comes_from_a_given_file_before_the_environment(self, tmp_path: Path) -> None:
        given = self.write(tmp_path / "prod.env")
        source = self.find(tmp_path, given, DATABASE_URL="postgresql://other")
        assert source == Source(str(given), URL)

    def test_comes_from_the_environment_before_the_files(self, tmp_path: Path) -> None:
        self.write(tmp_path / ".env.local", "postgresql://other")
        assert self.find(tmp_path, DATABASE_URL=URL) == Source("the environment", URL)

    def test_comes_from_env_local_before_env(self, tmp_path: Path) -> None:
        self.write(tmp_path / ".env.local")
        self.write(tmp_path / ".env", "postgresql://other")
        assert self.find(tmp_path) == Source(".env.local", URL)

    def test_comes_from_env_where_env_local_has_none(self, tmp_path: Path) -> None:
        (tmp_path / ".env.local").write_text("OTHER=1\n", encoding="utf-8")
        self.write(tmp_path / ".env")
        assert self.find(tmp_path) == Source(".env", URL)

    def test_that_is_nowhere_is_an_error_that_says_where_it_looked(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"DATABASE_URL is not set[\s\S]*\.env\.local and \.env in"):
            self.find(tmp_path)

    def test_that_the_given_file_lacks_is_not_taken_from_elsewhere(self, tmp_path: Path) -> None:
        given = tmp_path / "prod.env"
        given.write_text("OTHER=1\n", encoding="utf-8")
        with pytest.raises(SettingsError, match=r"looked in .*prod\.env"):
            self.find(tmp_path, given, DATABASE_URL=URL)

    def test_in_a_given_file_that_does_not_exist_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be read: No such file"):
            self.find(tmp_path, tmp_path / "nowhere.env")

    def test_that_is_empty_is_an_error_and_no_licence_to_look_on(self, tmp_path: Path) -> None:
        self.write(tmp_path / ".env.local")
        with pytest.raises(SettingsError, match="DATABASE_URL is empty"):
            self.find(tmp_path, DATABASE_URL="")

    def test_is_read_from_the_process_by_default(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", f" {URL}\n")
        assert os.environ["DATABASE_URL"] != URL
        assert find_source(read_settings(project(tmp_path))).url == URL

    def test_does_not_show_in_a_repr(self) -> None:
        assert "s3cret" not in repr(Source(".env", URL))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("KEY=plain", "plain"),
        ("  KEY = spaced out  ", "spaced out"),
        ("export KEY=x", "x"),
        ("KEY=", ""),
        ("KEY=# not a value", "# not a value"),
        ("KEY= # a comment", ""),
        ("KEY=a # a comment", "a"),
        ("KEY=a#b", "a#b"),
        ("KEY='a # b' # c", "a # b"),
        ('KEY="a # b"#c', "a # b"),
        ("KEY='it \\n stays'", "it \\n stays"),
        (r'KEY="a\n\"b\"\\ \$HOME"', 'a\n"b"\\ $HOME'),
        ("KEY=$HOME/${X}", "$HOME/${X}"),
        ("KEY=a=b==", "a=b=="),
        ("KEY=x\r\nOTHER=y\r\n", "x"),
        ("KEY=first\nKEY=last", "last"),
        ("#KEY=no\nKEY=yes\n# KEY=no", "yes"),
        ('OTHER="one\nKEY=no\ntwo"\nKEY=yes', "yes"),
        ("KEY='a\nb'", "a\nb"),
        ("not a line\nKEY=x\n=y\n1=2", "x"),
        ("KEY=it's", "it's"),
    ],
)
def test_a_line_of_an_env_file_is_read(text: str, value: str) -> None:
    assert parse_env(text, ".env")["KEY"] == value


@pytest.mark.parametrize("text", ["A=1\nKEY='open", 'A=1\nKEY="open', "A=1\nKEY='a' b"])
def test_a_quote_that_is_not_closed_is_named_by_line(text: str) -> None:
    with pytest.raises(SettingsError, match=r"the quote after KEY= is not closed\n\.env, line 2"):
        parse_env(text, ".env")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfDATABASE_URL=" + URL.encode())
    assert find_source(read_settings(tmp_path), environ={}).url == URL
