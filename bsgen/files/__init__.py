"""Everything that touches the disk in the same way, whatever is written.

`atomic` writes a file whole or not at all; `json_lines` appends to a file of records
and cuts off a line that a crash tore; `sealed_json` adds check sums; `folder_lock`
keeps an output folder to one process; `format_version` refuses files of newer versions.

**Numbers that are not finite.** JSON has none. Files for people and other programs are
strict JSON: NaN and infinities become null (`strict_json`), and a reader of such a
file gets None, which means "was not finite". Two kinds of file keep NaN, Infinity and
-Infinity as Python's `json` spells them, because work continues from them and must get
the same numbers back: checkpoints, and the state of a search.
"""
