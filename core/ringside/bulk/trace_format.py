"""What a trace of a real program looks like, in words for users; needs nothing but Python."""

LACKEY = """\
Valgrind's lackey writes such a trace of any program:
  valgrind --tool=lackey --trace-mem=yes --log-file=out.trace PROGRAM
"""

MOST_BYTES = 64  # of one access: a cache line, more than any instruction moves at once
READS, WRITES, FETCHES = ("r", "read", "load"), ("w", "write", "store"), ("x", "fetch", "execute")
IS_WRITE = dict.fromkeys((*READS, *FETCHES), False) | dict.fromkeys(WRITES, True)
MOST_SPACES = 1 << 16
SEPARATORS = ",;\t"  # whichever the line of names has: Excel's depends on the language

CSV = f"""\
CSV has a first line with the names of its columns, in any order; others are passed over:
  address  needed. Linear address, hexadecimal with 0x, or decimal
  kind     {" = ".join(READS)};  {" = ".join(WRITES)};  {" = ".join(FETCHES)}.
           Upper or lower case; empty or no such column: read
  size     bytes, 1 (also if empty) to {MOST_BYTES}; reaching into the next page counts twice
  space    whose memory it is, 0 (also if empty) to {MOST_SPACES - 1}
Columns are parted by commas, semicolons or tabs. For example:
  address,kind,size,space
  0x7ffe1000,write,8,0
  0x401a2c,fetch,4,1
"""

DESCRIPTION = f"{LACKEY}\n{CSV}"
