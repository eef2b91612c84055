"""Cron expressions: what is wrong with them, and when they come, across the changes of clocks."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.language.cron import CronFault, in_words, latest, next_after, read_cron

ZONES = (
    "UTC", "Europe/Athens", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu",
    "America/Santiago", "Pacific/Apia", "Europe/Dublin",
)  # fmt: skip


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def shown(seconds: float, zone: str = "UTC") -> str:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat()


def following(cron: str, zone: str, after: float, count: int) -> list[float]:
    found = [after]
    for _ in range(count):
        found.append(next_after(cron, zone, found[-1]))
    return found[1:]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        ("  0   9 * jan,Feb mon-fri ", "0 9 * JAN,FEB MON-FRI"),
        ("@daily", "0 0 * * *"),
        ("@Hourly", "0 * * * *"),
        ("*/15 0-6/2 L * 7", "*/15 0-6/2 L * 7"),
        ("0 9 * * MON#1", "0 9 * * MON#1"),
        ("0 9 LW * 5L", "0 9 LW * 5L"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_an_expression_is_read_as_its_five_fields(written: str, read: str) -> None:
    assert read_cron(written) == read


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("0 9 * *", "five fields", "0 9 * * 1-5"),
        ("0 0 9 ? * 2-6", "there are no seconds", "write `0 9 * * MON-FRI`"),
        ("0 0 9 ? * MON#1 2027", "there are no seconds", "write `0 9 * * MON#1`"),
        ("*/10 * * * * *", "there are no seconds", "write `* * * * *`"),
        ("0 9 * * * 2027", "there is no year", "write `0 9 * * *`"),
        ("0 9 ? * 1", "`?` is of Quartz", "write `*`"),
        ("75 * * * *", "there is no minute 75", "from 0 to 59"),
        ("0 24 * * *", "there is no hour 24", "from 0 to 23"),
        ("0 0 0 * *", "there is no day of the month 0", "from 1 to 31"),
        ("0 9 * * 8", "there is no day of the week 8", "from 0 to 7"),
        ("0 9 * * MONDAY", "`MONDAY` is no day of the week", "write MON"),
        ("0 9 * FRI *", "`FRI` is no month", ""),
        ("0 9 * * FRI-MON", "ends before it begins", "write `FRI-SAT,SUN-MON`"),
        ("0 22-6 * * *", "ends before it begins", "write `22-23,0-6`"),
        ("*/90 * * * *", "passes the last minute", "write `every: 90m`"),
        ("*/0 * * * *", "`0` is no step", "*/5"),
        ("1,,2 * * * *", "an empty part", "comma"),
        ("0 9 15W * *", "is of Quartz", "LW"),
        ("0 9 * * MON#6", "no month has a week 6", "#1 to #5"),
        ("0 0 31 2 *", "never comes", "no month"),
        ("@reboot", "no @reboot", "every"),
        ("@dayly", "is no name of a time", "@daily"),
    ],
)
def test_a_bad_expression_says_which_field_and_what_to_write(written: str, message: str, hint: str) -> None:
    with pytest.raises(CronFault) as caught:
        read_cron(written)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_place_of_a_fault_is_that_of_its_part() -> None:
    with pytest.raises(CronFault) as caught:
        read_cron("0 9 * * 1,2,9")
    assert caught.value.offset == 12


def test_it_is_said_in_words() -> None:
    assert in_words("0 9 * * 1-5") == "At 09:00 on Monday through Friday"


def test_where_both_day_fields_are_given_either_counts() -> None:
    times = following("0 0 13 * FRI", "UTC", at("2027-08-10"), 3)
    assert [shown(one)[:10] for one in times] == ["2027-08-13", "2027-08-20", "2027-08-27"]


@pytest.mark.parametrize(
    ("zone", "cron", "before", "expected"),
    [  # a time that does not exist comes at the first moment after
        ("Europe/Athens", "30 3 * * *", "2027-03-27T12:00", ["2027-03-28T04:00:00+03:00", "2027-03-29T03:30:00+03:00"]),
        ("America/New_York", "0 2 * * *", "2027-03-13T12:00", ["2027-03-14T03:00:00-04:00", "2027-03-15T02:00:00-04:00"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2027-10-02T12:00", ["2027-10-03T02:30:00+11:00", "2027-10-04T02:15:00+11:00"]),
        ("Africa/Cairo", "0 0 * * *", "2027-04-29T12:00", ["2027-04-30T01:00:00+03:00", "2027-05-01T00:00:00+03:00"]),
        # a time that exists twice comes once
        ("Europe/Athens", "30 3 * * *", "2027-10-30T12:00", ["2027-10-31T03:30:00+03:00", "2027-11-01T03:30:00+02:00"]),
        ("America/New_York", "30 1 * * *", "2027-11-06T12:00", ["2027-11-07T01:30:00-04:00", "2027-11-08T01:30:00-05:00"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2027-04-03T12:00", ["2027-04-04T01:45:00+11:00", "2027-04-05T01:45:00+10:30"]),
        # two times in one gap are one
        ("Europe/Athens", "0,30 3 * * *", "2027-03-28T00:00", ["2027-03-28T04:00:00+03:00", "2027-03-29T03:00:00+03:00"]),
    ],
)  # fmt: skip
def test_a_fixed_time_comes_once_on_a_day_whose_clock_changes(
    zone: str, cron: str, before: str, expected: list[str]
) -> None:
    assert [shown(one, zone) for one in following(cron, zone, at(before, zone), len(expected))] == expected


def test_what_begins_with_a_star_follows_the_hours_as_they_pass() -> None:
    spring = following("*/30 * * * *", "Europe/Athens", at("2027-03-28T02:15", "Europe/Athens"), 3)
    assert [shown(one, "Europe/Athens")[11:16] for one in spring] == ["02:30", "04:00", "04:30"]
    autumn = following("*/30 * * * *", "Europe/Athens", at("2027-10-31T03:15", "Europe/Athens"), 4)
    assert [shown(one, "Europe/Athens")[11:22] for one in autumn] == [
        "03:30:00+03", "03:00:00+02", "03:30:00+02", "04:00:00+02",
    ]  # fmt: skip


def test_a_server_that_looks_in_the_repeated_hour_does_not_fire_again() -> None:
    zone = "Europe/Athens"
    second = datetime(2027, 10, 31, 3, 15, fold=1, tzinfo=ZoneInfo(zone)).timestamp()
    assert shown(next_after("30 3 * * *", zone, second), zone) == "2027-11-01T03:30:00+02:00"
    assert [shown(one, zone) for one in latest("30 3 * * *", zone, since=second - 7200, until=second, most=9)] == [
        "2027-10-31T03:30:00+03:00"
    ]  # fmt: skip


FIELD = {
    "minute": st.one_of(st.just("*"), st.integers(0, 59).map(str), st.sampled_from(["*/7", "0-30/10", "5,50"])),
    "hour": st.one_of(st.just("*"), st.integers(0, 23).map(str), st.sampled_from(["*/5", "8-18", "1,2,3"])),
    "day": st.one_of(st.just("*"), st.integers(1, 28).map(str), st.sampled_from(["*/9", "1,15"])),
    "month": st.one_of(st.just("*"), st.integers(1, 12).map(str), st.sampled_from(["*/3", "JUN-AUG"])),
    "weekday": st.one_of(st.just("*"), st.integers(0, 7).map(str), st.sampled_from(["MON-FRI", "0,6"])),
}  # fmt: skip
CRONS = st.tuples(*FIELD.values()).map(" ".join)
MOMENTS = st.integers(int(at("2010-01-01")), int(at("2040-01-01"))).map(float)


def _changes(zone: str) -> list[float]:
    """When the clocks of *zone* changed, to the hour."""
    hours = range(int(at("2010-01-01")), int(at("2031-01-01")), 3600)
    offsets = [datetime.fromtimestamp(one, ZoneInfo(zone)).utcoffset() for one in hours]
    return [float(hours[i]) for i in range(1, len(hours)) if offsets[i] != offsets[i - 1]] or [
        float(hours[0])
    ]


CHANGES = {zone: _changes(zone) for zone in ZONES}


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[str, float]:
    """A zone, and a moment within half a day of a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    return zone, draw(st.sampled_from(CHANGES[zone])) + draw(st.integers(-12 * 3600, 12 * 3600))


NAMES = {
    "SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6, "JUN": 6, "AUG": 8,
}  # fmt: skip


def _has(field: str, value: int, least: int, most: int) -> bool:
    """Whether *value* is in a field, read by another hand than the one that is tested."""
    for term in field.split(","):
        span, _, step = term.partition("/")
        low, _, high = span.partition("-")
        if span == "*":
            low, high = str(least), str(most)
        first = NAMES.get(low) if low in NAMES else int(low)
        last = (NAMES.get(high) if high in NAMES else int(high)) if high else (most if step else first)
        if value in range(first or 0, (last or 0) + 1, int(step or 1)):
            return True
    return False


def _comes(cron: str, moment: datetime) -> bool:
    minute, hour, day, month, weekday = cron.split()
    of_month = _has(day, moment.day, 1, 31)
    number = moment.isoweekday()
    of_week = _has(weekday, number % 7, 0, 7) or _has(weekday, number, 0, 7)
    fits = of_month and of_week if day[0] == "*" or weekday[0] == "*" else of_month or of_week
    return fits and _has(minute, moment.minute, 0, 59) and _has(hour, moment.hour, 0, 23) and _has(
        month, moment.month, 1, 12
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(CRONS, MOMENTS)
def test_what_comes_next_fits_and_nothing_between_does(cron: str, after: float) -> None:
    found = next_after(read_cron(cron), "UTC", after)
    assert found > after
    assert _comes(cron, datetime.fromtimestamp(found, UTC))
    moment = datetime.fromtimestamp(after, UTC).replace(second=0) + timedelta(minutes=1)
    for _ in range(3000):  # minutes: two days
        if moment.timestamp() >= found:
            break
        assert not _comes(cron, moment)
        moment += timedelta(minutes=1)


@settings(max_examples=150, deadline=None)
@given(CRONS, near_changes(), st.integers(1, 8))
def test_looking_back_finds_what_looking_ahead_found(cron: str, near: tuple[str, float], count: int) -> None:
    zone, after = near
    ahead = following(read_cron(cron), zone, after, count)
    assert ahead == sorted(set(ahead))
    assert latest(cron, zone, since=after + 0.001, until=ahead[-1], most=count + 1) == ahead
    assert latest(cron, zone, since=after + 0.001, until=ahead[-1] + 0.5, most=1) == ahead[-1:]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["*", "*/7", "*/30"]), FIELD["hour"], FIELD["day"], FIELD["weekday"], near_changes())
def test_what_begins_with_a_star_comes_whenever_the_clock_shows_it(
    minute: str, hour: str, day: str, weekday: str, near: tuple[str, float]
) -> None:
    zone, after = near
    cron = f"{minute} {hour} {day} * {weekday}"
    minutes = [float(one) for one in range(int(after // 60 + 1) * 60, int(after) + 12 * 3600, 60)]
    shows = [one for one in minutes if _comes(cron, datetime.fromtimestamp(one, ZoneInfo(zone)))]
    assert latest(cron, zone, since=minutes[0], until=minutes[-1], most=1000) == shows
    assert not shows or next_after(cron, zone, after) == shows[0]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 59), st.integers(0, 23), near_changes())
def test_a_fixed_time_comes_once_on_each_date_of_its_zone(
    minute: int, hour: int, near: tuple[str, float]
) -> None:
    zone, after = near
    times = following(f"{minute} {hour} * * *", zone, after - 3 * 86400, 7)
    dates = [datetime.fromtimestamp(one, ZoneInfo(zone)).date() for one in times]
    assert dates[1:] == [one + timedelta(days=1) for one in dates[:-1]] or (
        zone == "Pacific/Apia" and len(set(dates)) >= len(dates) - 1  # a date was left out there
    )
