#!/usr/bin/env python3
"""Writes files of columns into a folder, for tests to read: write_files.py FOLDER."""
import bz2
import datetime
import decimal
import gzip
import json
import os
import random
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

folder = sys.argv[1]
UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 11, 24, 10, tzinfo=UTC)  # 1795514400000 ms


def path(name):
    return os.path.join(folder, name)


def types():
    """A row of least values, one of greatest, one of nulls."""
    utc_us = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "unwanted": pa.array([[1, 2], [], None], pa.list_(pa.int32())),
            "flag": pa.array([False, True, None]),
            "small": pa.array([-(2**31), 2**31 - 1, None], pa.int32()),
            "nested": pa.array([{"a": 1, "b": "x"}, None, {"a": 2, "b": "y"}]),
            "big": pa.array([-(2**63), 2**63 - 1, None], pa.int64()),
            "single": pa.array([-1.5, 3.4028234663852886e38, None], pa.float32()),
            "twice": pa.array([5e-324, 1.7976931348623157e308, None]),
            "text": pa.array(["", "h\u00e9llo \U0001f600", None]),
            "moment": pa.array([-62135596800000000, 253402300799999000, None], utc_us),
            "price": pa.array([decimal.Decimal("-92233720368547758.08"), decimal.Decimal("92233720368547758.07"), None],
                              pa.decimal128(19, 2)),
            "time": pa.array([DAY, DAY, DAY], utc_us),
        }
    )


def users(**columns):
    base = {
        "user_id": pa.array([1, 2, 3], pa.int64()),
        "age": pa.array([30, None, 50], pa.int32()),
        "country": pa.array(["FI", "SE", None]),
        "updated_at": pa.array([5, 6, 7], pa.int64()),
    }
    base.update(columns)
    return pa.table({name: column for name, column in base.items() if column is not None})


def write(name, table, **options):
    pq.write_table(table, path(name), **options)


def write_arrow(name, table, new, compression=None):
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(path(name), "wb") as sink, new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)


for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    write(f"types-{codec}.parquet", types(), compression=codec)
for page in ["1.0", "2.0"]:
    write(f"types-page-{page}.parquet", types(), data_page_version=page, use_dictionary=False)
write("types-encoded.parquet", types().select(["big", "small", "text", "flag", "single", "twice", "moment", "price", "time"]),
      use_dictionary=False, data_page_version="2.0",
      column_encoding={"big": "DELTA_BINARY_PACKED", "small": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY",
                       "single": "BYTE_STREAM_SPLIT", "flag": "RLE"})
write("types-int96.parquet", types().slice(2), use_deprecated_int96_timestamps=True)
for compression in [None, "lz4", "zstd"]:
    write_arrow(f"types-{compression}.arrow", types(), pa.ipc.new_file, compression)
    write_arrow(f"types-{compression}.arrows", types(), pa.ipc.new_stream, compression)

# Columns of other types than the source's, which hold its values all the same.
other = users(
    user_id=pa.array([decimal.Decimal(1), decimal.Decimal(2), decimal.Decimal(3)], pa.decimal128(20, 0)),
    age=pa.array([30, None, 50], pa.uint8()),
    country=pa.array(["FI", "SE", None]).dictionary_encode(),
    updated_at=pa.array([5_999_999, 6_000_000, 7_000_001], pa.timestamp("ns", tz="Europe/Helsinki")),
)
write("other.parquet", other)
write_arrow("other.arrow", other, pa.ipc.new_file)
write_arrow("views.arrow",
            users(country=pa.array(["FI", "SE", None], pa.string_view()),
                  age=pa.array([30, None, 50], pa.int64()).dictionary_encode(),
                  updated_at=pa.array([5, 6, 7], pa.timestamp("ms"))), pa.ipc.new_stream)
write("large.parquet", users(country=pa.array(["FI", "SE", None], pa.large_string()),
                             updated_at=pa.array([5, 6, 7], pa.timestamp("ms"))))
write("binary.parquet", users(country=pa.array([b"FI", b"\xff", None], pa.binary())))
devices = [b"\xde\xad\xbe\xef", b"\x00\x00\x00\x00", None]
for name, kind in [("binary", pa.binary()), ("large", pa.large_binary()), ("view", pa.binary_view()), ("fixed", pa.binary(4))]:
    table = pa.table({"device_id": pa.array(devices, kind), "age": pa.array([1, 2, 3], pa.int32()),
                      "updated_at": pa.array([5, 5, 5])})
    write_arrow(f"devices-{name}.arrow", table, pa.ipc.new_file)
    if name != "view":
        write(f"devices-{name}.parquet", table)
write("devices-text.parquet", pa.table({"device_id": pa.array(["3q2+7w=="]), "age": pa.array([1], pa.int32()),
                                        "updated_at": pa.array([5])}))
write("numbers.parquet",
      pa.table({"user_id": pa.array([1, 2, 3, 4]), "updated_at": pa.array([1, 1, 1, 1]),
                "a": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-0.01"), None, decimal.Decimal("2")],
                              pa.decimal128(10, 2)),
                "b": pa.array([0.5, float("nan"), None, 2.0]),
                "c": pa.array([1, -2, None, 2**53], pa.int64()),
                "d": pa.array([0.1, 65504.0, None, -0.0], pa.float16())}))
# Decimals of every width, to the edges of the width or of int64, and beyond these.
for width, edge in [(32, 10**9 - 1), (64, 10**18 - 1), (128, 2**63 - 1), (256, 2**63 - 1)]:
    new_type = getattr(pa, f"decimal{width}")
    precision = {32: 9, 64: 18, 128: 38, 256: 40}[width]
    numbers = [7, edge, -edge, None] + ([2**63, -(2**63) - 1, 10**(precision - 1)] if width > 64 else [])
    whole = [None if number is None else decimal.Decimal(number) for number in numbers]
    decimals = pa.table({"whole": pa.array(whole, new_type(precision, 0)),
                         "fraction": pa.array([decimal.Decimal("-1.25")] * len(whole), new_type(precision, 2)),
                         "tiny": pa.array([None if number is None else decimal.Decimal(number).scaleb(-precision)
                                           for number in numbers], new_type(precision, precision)),
                         "updated_at": pa.array(range(len(whole)))})
    write(f"decimals-{width}.parquet", decimals)
    write_arrow(f"decimals-{width}.arrow", decimals, pa.ipc.new_file)
# Prices, as decimals of another scale, as text and as integers.
prices = pa.table({
    "updated_at": pa.array(range(5)),
    "wide": pa.array([decimal.Decimal(text) for text in ["12.3400", "-0.0100", "1.2345", "0", "7e15"]], pa.decimal128(20, 4)),
    "narrow": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-0.1"), decimal.Decimal("0"), decimal.Decimal("2")],
                       pa.decimal128(3, 1)),
    "round": pa.array([decimal.Decimal("12e2"), None, decimal.Decimal("-3e2"), decimal.Decimal("0"), decimal.Decimal("1e2")],
                      pa.decimal128(3, -2)),
    "text": pa.array(["12.34", "1e2", None, "-.05", "92233720368547758.07"]),
    "whole": pa.array([1, -2, None, 2**53, 2**62], pa.int64())})
write_arrow("prices.arrow", prices, pa.ipc.new_file)
write("prices.parquet", prices.drop_columns(["round"]))  # which has no negative scale
days = [datetime.date(1970, 1, 2), datetime.date(1969, 12, 31), datetime.date(2026, 11, 24)]
write("dates.parquet", users(updated_at=pa.array(days)))
write_arrow("dates.arrow", users(updated_at=pa.array(days, pa.date64())), pa.ipc.new_file)

# What cannot be used.
write("misfit.parquet", users(age=pa.array([1.5, 2.5, 3.5]), country=pa.array([["FI"], ["SE"], []]),
                              user_id=None, user_idd=pa.array([1, 2, 3])))
write("bad-rows.parquet", users(age=pa.array([30, 2**31, 50], pa.int64()), updated_at=pa.array([5, 6, None])))
# Few among many, some of which stand close together, and runs of rows without any.
scattered = range(2_000)
write("scattered-bad-rows.parquet", users(
    user_id=pa.array(scattered), age=pa.array([2**31 if i in (0, 255, 256, 1_500) else i for i in scattered], pa.int64()),
    country=None, updated_at=pa.array([None if i in (256, 257, 1_999) else i for i in scattered], pa.int64())))
# In rows that delete and in rows that do not: an age out of range, a name that is not UTF-8, no key, no time.
deletions = users(user_id=pa.array([1, 2, 3, 4, None, 6]),
                  age=pa.array([2**31, 2**31, 50, 50, 2**31, 2**31], pa.int64()),
                  country=pa.array([b"FI", b"FI", b"\xff", b"\xff", b"FI", b"FI"], pa.binary()),
                  updated_at=pa.array([6, 6, 6, 6, 6, None]),
                  gone=pa.array([True, False, True, None, True, True]))
write("deletions.parquet", deletions)
write_arrow("deletions.arrow", deletions.select(["gone", "updated_at", "country", "age", "user_id"]), pa.ipc.new_file)
twice = users()
write_arrow("twice.arrow", twice.append_column("age", twice["age"]), pa.ipc.new_file)

# Many row groups, and a tree of partitions.
count = 10_000
many = users(user_id=pa.array(range(count)), age=pa.array([i % 90 for i in range(count)], pa.int32()),
             country=pa.array([["FI", "SE", "NO"][i % 3] for i in range(count)]),
             updated_at=pa.array(range(count)), unwanted=pa.array(["x" * 1000 + str(i) for i in range(count)]))
write("many.parquet", many, row_group_size=1_500, data_page_size=4_096, use_dictionary=["country"])
# Three values and a thousand places among them, the third of which is said to be a fourth.
places = users(user_id=pa.array(range(1_000)), age=None, country=pa.array(["FI", "SE"] + ["NO"] * 998), updated_at=pa.array(range(1_000)))
write("places.parquet", places, compression="none")
with open(path("places.parquet"), "rb") as file:
    written = file.read()
third = bytes([992 << 1 & 0x7F | 0x80, 992 << 1 >> 7, 2])  # a run of 992 times the value 2
assert written.count(third) == 1
with open(path("wrong-place.parquet"), "wb") as file:
    file.write(written.replace(third, third[:-1] + b"\x03"))
write("none.parquet", users().slice(0, 0))
pq.write_to_dataset(many.drop_columns(["unwanted"]).slice(0, 30), path("tree"), partition_cols=["country"])
os.makedirs(path("odd/country=__HIVE_DEFAULT_PARTITION__"))
os.makedirs(path("odd/country=C%C3%B4te d%27Ivoire"))
write("odd/country=__HIVE_DEFAULT_PARTITION__/a.parquet", users(country=None))
write("odd/country=C%C3%B4te d%27Ivoire/b.parquet", users())
open(path("odd/_SUCCESS"), "w").close()

duck = duckdb.connect()
duck.execute("set timezone = 'UTC'")
for codec in ["uncompressed", "snappy", "gzip", "zstd"]:
    duck.execute(f"""
        copy (select * from (values
            (false, (-2147483648)::integer, (-9223372036854775808)::bigint, (-1.5)::float, 5e-324::double, '',
             timestamptz '0001-01-01 00:00:00+00', '-92233720368547758.08'::decimal(19, 2)),
            (true, 2147483647::integer, 9223372036854775807::bigint, 3.4028234663852886e38::float,
             1.7976931348623157e308::double, 'h\u00e9llo \U0001f600', timestamptz '9999-12-31 23:59:59.999+00',
             '92233720368547758.07'::decimal(19, 2)),
            (null, null, null, null, null, null, null, null)) as t(flag, small, big, single, twice, text, moment, price),
            (select timestamptz '2026-11-24 10:00:00+00' as time))
        to '{path(f"duck-{codec}.parquet")}' (format parquet, compression {codec})""")
duck.execute(f"""
    copy (select 1::hugeint::decimal(30, 0) as user_id, 30::utinyint as age, 'FI' as country,
          timestamp '1970-01-01 00:00:00.005' as updated_at)
    to '{path("duck-other.parquet")}' (format parquet)""")

# Text, compressed.
text = "user_id,age,country,updated_at\n" + "".join(f"{i},{i % 90},FI,{i}\n" for i in range(20_000))
for name, compress in [("gz", gzip.compress), ("bz2", bz2.compress),
                       ("zst", lambda data: pa.Codec("zstd").compress(data, asbytes=True)),
                       ("lz4", lambda data: pa.Codec("lz4").compress(data, asbytes=True))]:
    half = text.index("\n", len(text) // 2) + 1
    with open(path(f"users.csv.{name}"), "wb") as file:
        file.write(compress(text.encode()))
    with open(path(f"halves.csv.{name}"), "wb") as file:
        file.write(compress(text[:half].encode()) + compress(text[half:].encode()))
with open(path("users.csv"), "w") as file:
    file.write(text)


# As pzstd writes: in front of each frame, one to be skipped that holds its size.
def skippable_and_frame(part, magic):
    frame = pa.Codec("zstd").compress(part.encode(), asbytes=True)
    return struct.pack("<III", magic, 4, len(frame)) + frame


with open(path("skippable.csv.zst"), "wb") as file:
    for part, magic in [(text[:half], 0x184D2A50), (text[half:], 0x184D2A5F)]:
        file.write(skippable_and_frame(part, magic))
with open(path("padded.csv.gz"), "wb") as file:
    file.write(gzip.compress(text[:half].encode()) + bytes(100) + gzip.compress(text[half:].encode()) + bytes(100_000))
with open(path("nothing.bz2"), "wb") as file:
    file.write(bz2.compress(b""))


def users_in_order_or_not(count, in_order):
    """Rows enough for several sorted parts: keys that stand twice, ages that are bad, countries with quotes and lines."""
    turn = random.Random(7)
    keys = [i - i % 10 // 9 if in_order else turn.randrange(count) for i in range(count)]
    return pa.table({
        "user_id": pa.array([None if i % 997 == 5 else key for i, key in enumerate(keys)], pa.int64()),
        "age": pa.array([2**40 if i % 501 == 7 else None if i % 11 == 3 else i % 100 for i in range(count)], pa.int64()),
        "country": pa.array([("FI" if i % 50 else 'a, \n "quoted"') + f"{turn.getrandbits(400):0120x}" for i in range(count)]),
        "updated_at": pa.array([turn.randrange(5) for _ in range(count)], pa.int64()),
    })


for order in ["sorted", "mixed"]:
    table = users_in_order_or_not(24_000, order == "sorted")
    write(f"many-{order}.parquet", table, row_group_size=700)
    for name, new in [("arrow", pa.ipc.new_file), ("arrows", pa.ipc.new_stream)]:
        with pa.OSFile(path(f"many-{order}.{name}"), "wb") as sink, new(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=900)
    rows = table.to_pylist()
    quoted = [{k: "" if v is None else v for k, v in row.items()} for row in rows]
    text = "\ufeffuser_id,age,country,updated_at\r\n" + "".join(
        '{user_id},{age},"{c}",{updated_at}\r\n'.format(c=row["country"].replace('"', '""'), **row) for row in quoted)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    for name, content in [("csv", text), ("jsonl", lines)]:
        with open(path(f"many-{order}.{name}"), "wb") as file:
            file.write(content.encode())
        with open(path(f"many-{order}.{name}.gz"), "wb") as file:
            file.write(gzip.compress(content.encode()))
