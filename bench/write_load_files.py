#!/usr/bin/env python3
"""Writes the files of bench/load_bench.cc: write_load_files.py FOLDER ROWS. The rows are those of its RowMaker."""
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

folder, count = sys.argv[1], int(sys.argv[2])
COUNTRIES = ["AR", "BR", "CN", "DE", "FI", "FR", "IN", "JP", "NL", "NO", "SE", "US"]
BLOCK = 262_144


def mixed(ids, factor, modulus):
    return pc.subtract(pc.multiply(ids, factor), pc.multiply(pc.divide(pc.multiply(ids, factor), modulus), modulus))


def rows(ids):
    return pa.table(
        {
            "user_id": ids,
            "at": pc.add(mixed(ids, 7919, 86_400_000), 1_780_000_000_000),
            "age": pc.cast(mixed(ids, 104_729, 90), pa.int32()),
            "score": pc.divide(pc.cast(mixed(ids, 1_299_709, 1_000_003), pa.float64()), 1_000_003.0),
            "spend": pc.divide(pc.cast(mixed(ids, 15_485_863, 100_000), pa.float64()), 100.0),
            "visits": mixed(ids, 32_452_843, 1_000),
            "country": pc.take(pa.array(COUNTRIES), mixed(ids, 5, len(COUNTRIES))),
            "active": pc.equal(mixed(ids, 3, 2), 0),
        }
    )


def write(name, id_of):
    writer = None
    for begin in range(0, count, BLOCK):
        positions = pa.array(range(begin, min(count, begin + BLOCK)), pa.int64())
        table = rows(id_of(positions))
        if writer is None:
            writer = pq.ParquetWriter(f"{folder}/{name}.parquet", table.schema)
        writer.write_table(table)
    writer.close()


write("sorted", lambda positions: positions)
# Neighbours in the file are far apart in the order of the keys.
write("unsorted", lambda positions: mixed(positions, 7_368_787, count))
