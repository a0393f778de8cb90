"""A second reader of compiled policies, written from smokescreen-blob(5) alone.

It shares no code with the product: that it comes to the same decisions says that
the manual says enough.  Slow and plain on purpose; it checks everything the
manual lists under VERIFICATION before it answers.

    policy = Blob(open("acl.blob", "rb").read())
    policy.decide("role", "api.example.com")
"""

import bisect
import hashlib
import struct

NONE = 0xFFFFFFFF
GLOBAL_DENY = "global deny"
GLOBAL_ALLOW = "global allow"
MASK = (1 << 64) - 1

META, RULE, ROLE, TOPS, NODE, POST, MITM, MITM_ORDER, HEAD, ADDR, RANGE, \
    NAT64, STRS, NODEMAP, POSTMAP, ORDER, FILES, LINES, RULE_LINES, \
    RANGE_LINES = range(1, 21)
REQUIRED_TYPES = range(META, POSTMAP + 1)
RECORD_BYTES = {META: 64, RULE: 32, TOPS: 16, MITM: 24, MITM_ORDER: 4,
                HEAD: 12, RANGE: 20, NAT64: 20, RULE_LINES: 4, RANGE_LINES: 8}
ACTIONS = ("enforce", "report", "open")
CLASSES = {0: "Deny: Not Global Unicast", 1: "Deny: Private Range",
           2: "Deny: User Configured", 3: "Deny: CGNAT Range",
           4: "Deny: IPv6 Embedding", 5: "Deny: Special Purpose",
           7: "Allow: Default", 8: "Allow: User Configured",
           9: "Allow: User Configured"}
METADATA = (0xA9FEA9FE, 0xA83F8110, 0x646464C8)


class Damaged(Exception):
    """The blob breaks a rule of the format."""


def need(condition, what):
    if not condition:
        raise Damaged(what)


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = NONE
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ NONE


def rot(value, n):
    return (value << n | value >> (64 - n)) & MASK


def block(state, low, high):
    state = rot((state ^ low) * 0xD6E8FEB86659FD93 & MASK, 32) ^ \
        (state ^ high) * 0xA0761D6478BD642F & MASK
    return state ^ state >> 29


def text_hash(text):
    state = len(text) * 0x9E3779B97F4A7C15 & MASK
    for at in range(0, max(len(text), 1), 16):
        state = block(state, *struct.unpack(
            "<QQ", text[at:at + 16].ljust(16, b"\0")))
    return state


def key_hash(label, top=None):
    key = text_hash(label)
    if top is not None:
        key ^= rot(text_hash(top), 23)
    return key * 0xFF51AFD7ED558CCD & MASK


def signature(key):
    return 1 << (key & 31) | 1 << (key >> 5 & 31)


def bit(data, index):
    return data[index // 8] >> index % 8 & 1


class Section:
    def __init__(self, data, count, flags):
        self.data, self.count, self.flags = data, count, flags

    def u16(self, at):
        return struct.unpack_from("<H", self.data, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def records(self):
        size = len(self.data) // self.count if self.count else 0
        for i in range(self.count):
            yield self.data[i * size:(i + 1) * size]


class Node:
    """children: {(label, top or None): value}"""

    def __init__(self):
        self.exact = self.wild = 0
        self.children = {}
        self.bytes = 0


class Blob:
    def __init__(self, data):
        self.data = data
        try:
            self._header()
            self._meta()
            self._postings()
            self._nodes()
            self._rules()
            self._roles()
            self._mitm()
            self._ranges()
            self._addresses()
            self._source_map()
        except (struct.error, IndexError) as error:
            raise Damaged(f"beyond the end: {error}") from error

    # --- frame ---------------------------------------------------------------

    def _header(self):
        data = self.data
        need(data[:8] == b"EGRPOL\r\n", "magic")
        major, self.minor, order, length, required, _, count, crc = \
            struct.unpack_from("<HHIQQQII", data, 8)
        need(major == 1, "major version")
        need(order == 0x01020304, "byte order")
        need(required in (0, 1), "required features")
        self.narrow_lines = required == 1
        need(length == len(data), "length")
        need(count <= 64, "sections")
        table_end = 128 + 32 * count
        need(table_end <= length, "section table")
        head = data[:44] + bytes(4) + data[48:table_end]
        need(crc == crc32c(head), "header checksum")
        need(data[120:128] == bytes(8), "reserved field")
        self.semantic, self.full = data[56:88], data[88:120]

        self.section = {}
        end, cold = table_end, False
        for i in range(count):
            kind, flags, _, offset, size, records, crc = struct.unpack_from(
                "<IHHQQII", data, 128 + 32 * i)
            need(offset == (end + 63) // 64 * 64, "place of a section")
            need(offset + size <= length, "end of a section")
            need(not any(data[end:offset]), "padding")
            body = data[offset:offset + size]
            need(crc32c(body) == crc, "checksum of a section")
            need(not (cold and not flags & 2), "hot after cold")
            cold, end = bool(flags & 2), offset + size
            if not META <= kind <= RANGE_LINES:
                need(not flags & 1, "a section that must be known")
                continue
            need(kind not in self.section, "a type twice")
            if kind in RECORD_BYTES:
                need(size == 0 if records == 0 else size % records == 0 and
                     size // records >= RECORD_BYTES[kind], "record size")
            self.section[kind] = Section(body, records, flags)
        need(length == (end + 63) // 64 * 64, "end of the file")
        need(not any(data[end:]), "padding")
        for kind in REQUIRED_TYPES:
            need(kind in self.section, "a section is missing")

    def digests(self):
        """The semantic and the full digest, computed."""
        def add(sha, cold):
            for kind in sorted(self.section):
                section = self.section[kind]
                if bool(section.flags & 2) == cold and not section.flags & 4:
                    sha.update(struct.pack("<IIQ", kind, section.count,
                                           len(section.data)))
                    sha.update(section.data)
            return sha.digest()
        semantic = add(hashlib.sha256(), False)
        return semantic, add(hashlib.sha256(semantic), True)

    def _meta(self):
        meta = self.section[META]
        need(meta.count == 1, "META")
        (self.default_rule, self.lists, self.id_bytes, version, self.flags,
         self.singles, self.globs, self.entry_count, self.deny_count,
         self.allow_count) = struct.unpack_from("<IIIIIIQQII", meta.data)
        need(self.lists < 1 << 26, "lists")
        need(self.id_bytes == (2 if self.lists <= 65536 else 4), "id size")
        need(version == 1, "hash version")
        need(self.flags & ~1 == 0, "flags")

    # --- host table ------------------------------------------------------------

    def _postings(self):
        post, marks = self.section[POST], self.section[POSTMAP].data
        need(len(post.data) % 4 == 0, "POST size")
        words = len(post.data) // 4
        need(len(marks) == (words + 63) // 64 * 8, "POSTMAP size")
        self.posting = {}
        at = 0
        while at < words:
            head = post.u32(4 * at)
            n = head & 0x7FFFFFFF
            need(2 <= n <= self.lists, "posting size")
            if head >> 31:
                size = (self.lists + 31) // 32 * 4
                body = post.data[4 * at + 4:4 * at + 4 + size]
                need(len(body) == size, "posting end")
                ids = [i for i in range(8 * size) if bit(body, i)]
                need(len(ids) == n, "posting bits")
            else:
                size = (n * self.id_bytes + 3) // 4 * 4
                body = post.data[4 * at + 4:4 * at + 4 + size]
                need(len(body) == size, "posting end")
                ids = list(struct.unpack_from(
                    f"<{n}{'H' if self.id_bytes == 2 else 'I'}", body))
                need(not any(body[n * self.id_bytes:]), "posting padding")
                need(ids == sorted(set(ids)), "posting order")
            need(ids[-1] < self.lists, "posting of no list")
            self.posting[at] = ids
            at += 1 + size // 4
        need(len(self.posting) == post.count, "POST count")
        need([i for i in range(8 * len(marks)) if bit(marks, i)] ==
             list(self.posting), "POSTMAP")

    def _tops(self):
        self.tops = []
        for record in self.section[TOPS].records():
            n = record[-1]
            need(len(record) in (16, 32, 64) and 1 <= n < len(record) and
                 not any(record[n:-1]), "top label")
            self.tops.append(record[:n])
        need(self.tops == sorted(set(self.tops)), "order of top labels")

    def _check_owner(self, owner):
        need(0 < owner < 1 << 30, "owner")
        kind, payload = owner >> 26 & 3, owner & (1 << 26) - 1
        need((kind == 0 and payload == 0) or
             (kind == 1 and payload < self.lists) or
             (kind == 2 and payload in self.posting), "owner")

    def owners(self, owner):
        """The lists of an owner word."""
        kind, payload = owner >> 26 & 3, owner & (1 << 26) - 1
        lists = [[], [payload], self.posting.get(payload, [])][kind]
        return lists + [GLOBAL_ALLOW] * (owner >> 28 & 1) + \
            [GLOBAL_DENY] * (owner >> 29 & 1)

    def _children(self, node, section, at, n, owners, codes, bucket):
        """Read N children whose prints are at AT; the end of their labels."""
        prints = struct.unpack_from(f"<{n}H", section.data, at)
        at += 2 * n + owners
        values = struct.unpack_from(f"<{n}I", section.data, at)
        at += 4 * n
        tops = [0xFFFF] * n
        if codes:
            tops = struct.unpack_from(f"<{n}H", section.data, at)
            at += 2 * n
        before, bits = None, 0
        for value, code, mark in zip(values, tops, prints):
            label = section.data[at:at + (mark & 63)]
            at += mark & 63
            need(label and all(0x20 < c < 0x7F and c != 0x2E and
                               not 0x41 <= c <= 0x5A for c in label), "label")
            top = None
            if code != 0xFFFF:
                top = self.tops[code]
            elif codes:
                self.single_keys += 1
            key = key_hash(label, top)
            need(mark == (key >> 16 & 0x3FF) << 6 | len(label), "print")
            if bucket is not None:
                number, buckets = bucket
                need((key >> 32) * buckets >> 32 == number, "bucket")
            need(before is None or before < (mark, label, code), "order")
            before = (mark, label, code)
            bits |= signature(key)
            node.children[label, top] = value
        return at, bits

    def _node(self, section, start):
        node = Node()
        kind, n = section.data[start], section.data[start + 1]
        need(kind < 16 and bool(kind & 4) == (start == 0), "kind")
        need(start > 0 or not kind & 3, "the root is an entry")
        owners = 4 * (kind & 1) + 2 * (kind & 2)
        at = start + (4 if kind & 8 else 2 + 2 * n)
        if kind & 1:
            node.exact = section.u32(at)
        if kind & 2:
            node.wild = section.u32(at + 4 * (kind & 1))
        for owner in [node.exact] * (kind & 1) + [node.wild] * (kind >> 1 & 1):
            self._check_owner(owner)
        if not kind & 8:
            at, _ = self._children(node, section, start + 2, n, owners,
                                   bool(kind & 4), None)
        else:
            need(section.data[start + 1:start + 4] == bytes(3), "padding")
            at += owners
            buckets = section.u32(at)
            need(0 < buckets <= 1 << 24, "buckets")
            directory, at = at + 4, at + 4 + 8 * buckets + 4
            for i in range(buckets):
                place, bits = struct.unpack_from("<II", section.data,
                                                 directory + 8 * i)
                need(place == at - start, "place of a bucket")
                at, found = self._children(
                    node, section, at + 1, section.data[at], 0,
                    bool(kind & 4), (i, buckets))
                need(bits == found, "signature")
            need(section.u32(directory + 8 * buckets) == at - start, "end")
        end = (at + 3) // 4 * 4
        need(not any(section.data[at:end]), "padding")
        node.bytes = end - start
        return node

    def _nodes(self):
        section, marks = self.section[NODE], self.section[NODEMAP].data
        self._tops()
        self.single_keys = 0
        size = len(section.data) - 64
        need(size >= 4 and size % 4 == 0, "NODE size")
        need(not any(section.data[size:]), "NODE pad")
        need(len(marks) == (size // 4 + 63) // 64 * 8, "NODEMAP size")
        self.node = {}
        at = 0
        while at < size:
            self.node[at // 4] = self._node(section, at)
            at += self.node[at // 4].bytes
        need(at == size, "end of the nodes")
        need(len(self.node) == section.count, "NODE count")
        need([i for i in range(8 * len(marks)) if bit(marks, i)] ==
             list(self.node), "NODEMAP")
        need(self.single_keys == self.singles, "keys of one label")
        for start, node in self.node.items():
            for value in node.children.values():
                if value >> 30 == 0:
                    need(value > start and value in self.node, "reference")
                else:
                    self._check_owner(value & (1 << 30) - 1)

        for (label, top), value in self.node[0].children.items():
            below = self._value(value)[2]
            need(top is not None or below is None or not below.children or
                 label not in self.tops, "a top label two ways")

    def _value(self, value):
        """(owner of the name, owner of its wildcard, node or None)"""
        rest = value & (1 << 30) - 1
        kind = value >> 30
        if kind:
            return rest * (kind & 1), rest * (kind >> 1), None
        return self.node[rest].exact, self.node[rest].wild, self.node[rest]

    def find(self, host):
        """{list: (wildcard, name)}: the entry that decides in each list."""
        found = {}
        labels = host.split(b".")
        address = is_address(host)

        def take(value, used):
            exact, wild, node = self._value(value)
            whole = used == len(labels)
            if whole or not address:
                for name in self.owners(exact if whole else wild):
                    found[name] = (not whole, b".".join(labels[-used:]))
            return node

        if not host:
            return found
        root, node, used = self.node[0], None, 1
        value = root.children.get((labels[-1], None))
        if value is not None:
            node = take(value, 1)
        if (node is None or not node.children) and len(labels) > 1:
            used = 2
            value = root.children.get((labels[-2], labels[-1]))
            node = take(value, 2) if value is not None else None
        while node is not None and used < len(labels):
            used += 1
            value = node.children.get((labels[-used], None))
            node = take(value, used) if value is not None else None
        return found

    def entries(self):
        """All (list, name, wildcard), by walking the trie."""
        def walk(node, suffix):
            for (label, top), value in node.children.items():
                name = label + (b"." + top if top else b"") + suffix
                exact, wild, below = self._value(value)
                for owner, wildcard in ((exact, False), (wild, True)):
                    for number in self.owners(owner):
                        yield number, name, wildcard
                if below is not None:
                    yield from walk(below, b"." + name)
        return walk(self.node[0], b"")

    # --- records -----------------------------------------------------------------

    def _string(self, offset, length):
        strs = self.section[STRS].data
        need(offset + length < len(strs) and strs[offset + length] == 0,
             "string")
        return strs[offset:offset + length]

    def _rules(self):
        self.rules = []
        lists = mitm = 0
        strs = self.section[STRS].data
        need(strs and strs[-1] == 0, "STRS")
        for i, record in enumerate(self.section[RULE].records()):
            (name, project, domains, proxies, first, count, name_n, project_n,
             action, flags, zero) = struct.unpack_from("<6I2H2BH", record)
            rule = {
                "name": self._string(name, name_n),
                "project": self._string(project, project_n),
                "domains": domains, "proxies": proxies,
                "mitm": range(first, first + count),
            }
            need(action < 3 and flags < 2 and zero == 0, "RULE")
            rule["action"] = ACTIONS[action]
            need(bool(flags & 1) == (i == self.default_rule), "default rule")
            for number in (domains, proxies):
                if number != NONE:
                    need(number == lists, "number of a list")
                    lists += 1
            need(first == mitm, "MITM entries of a rule")
            mitm += count
            self.rules.append(rule)
        need(self.default_rule in (NONE, len(self.rules) - 1), "default rule")
        need(lists == self.lists, "lists")
        need(mitm == self.section[MITM].count, "MITM entries")
        self.services = {rule["name"]: rule for i, rule
                         in enumerate(self.rules) if i != self.default_rule}
        names = list(self.services)
        need(names == sorted(names) and
             len(names) == len(self.rules) - (self.default_rule != NONE),
             "order of services")

    def _roles(self):
        role = self.section[ROLE]
        need(role.count == len(self.services), "ROLE count")
        buckets = role.u32(0)
        need(buckets > 0, "ROLE buckets")
        first = struct.unpack_from(f"<{buckets + 1}I", role.data, 4)
        pairs = [struct.unpack_from("<II", role.data,
                                    4 + 4 * (buckets + 1) + 8 * i)
                 for i in range(role.count)]
        need(len(role.data) == 4 + 4 * (buckets + 1) + 8 * role.count,
             "ROLE size")
        need(pairs == sorted(set(pairs)), "ROLE order")
        need(sorted(rule for _, rule in pairs) == list(range(role.count)),
             "ROLE rules")
        need(first[0] == 0 and first[-1] == role.count, "ROLE buckets")
        for b in range(buckets):
            for value, rule in pairs[first[b]:first[b + 1]]:
                need(value == text_hash(self.rules[rule]["name"]) >> 32,
                     "ROLE hash")
                need(value * buckets >> 32 == b, "ROLE bucket")

    def _mitm(self):
        self.mitm, heads = [], []
        for record in self.section[HEAD].records():
            name, value, name_n, value_n = struct.unpack_from("<IIHH", record)
            heads.append((self._string(name, name_n),
                          self._string(value, value_n)))
        at = 0
        for record in self.section[MITM].records():
            domain, n, flags, zero, add, adds, log, logs = \
                struct.unpack_from("<IHBB4I", record)
            need(flags < 2 and zero == 0 and n > 0, "MITM")
            need(add == at and log == at + adds, "MITM headers")
            at = log + logs
            self.mitm.append({"domain": self._string(domain, n),
                              "detailed": bool(flags),
                              "add": heads[add:log], "log": heads[log:at]})
        need(at == len(heads), "HEAD count")
        order = [struct.unpack_from("<I", record)[0]
                 for record in self.section[MITM_ORDER].records()]
        for rule in self.rules:
            span = rule["mitm"]
            need(order[span.start:span.stop] ==
                 sorted(span, key=lambda i: (self.mitm[i]["domain"], i)),
                 "MITM_ORDER")

    def _ranges(self):
        self.ranges = []
        for kind in (RANGE, NAT64):
            for record in self.section[kind].records():
                address, length, action, port = struct.unpack_from(
                    "<16sBBH", record)
                need(length <= 128 and action < 2, "address rule")
                need(int.from_bytes(address, "big") &
                     ((1 << 128 - length) - 1) == 0, "prefix")
                need(kind == RANGE or (action, port) == (0, 0), "NAT64")
                if kind == RANGE:
                    self.ranges.append((address, length, action, port))

    # --- address table -----------------------------------------------------------

    def _verdict(self, word, tables):
        """A verdict as (class, rule) or {port or None: (class, rule)}."""
        if not word >> 31:
            code, rule = word >> 27, word & 0x07FFFFFF
            need(code <= 10 and code != 6, "class of an address")
            return code, None if rule == 0x07FFFFFF else rule
        index = word & 0x3FFFFFFF
        if word >> 30 & 1:
            need(tables is not None, "a sub-table within a sub-table")
            return tables[index]
        return self.port_records[index]

    def _table(self, section, at, key):
        entries_at, count, directory, buckets, base, shift, top_bits = \
            struct.unpack_from("<IIIIQII", section.data, at)
        need(count > 0 and shift < 64 and top_bits <= 16 and
             shift + top_bits <= 64, "address table")
        entries = [struct.unpack_from(f"<{key}I", section.data, entries_at +
                                      i * struct.calcsize(f"<{key}I"))
                   for i in range(count)]
        keys = [entry[0] for entry in entries]
        need(keys[0] == 0 and keys == sorted(set(keys)), "address keys")
        tops = struct.unpack_from(f"<{1 << top_bits}I", section.data,
                                  directory)
        words = struct.unpack_from(f"<{buckets + 1}I", section.data,
                                   directory + (4 << top_bits))
        before = [0] * (buckets + 1)
        for value in keys:
            distance = min(max(value - base, 0),
                           (1 << shift + top_bits) - 1)
            top = tops[distance >> shift]
            bucket = (top & 0x07FFFFFF) + \
                ((distance & (1 << shift) - 1) >> shift - (top >> 27))
            before[bucket + 1] += 1
        for b in range(buckets):
            before[b + 1] += before[b]
        need(list(words) == before, "address directory")
        return entries

    def _addresses(self):
        section = self.section[ADDR]
        need(section.data[:8] == b"ADDRTBL1", "ADDR magic")
        need(struct.unpack_from("<Q", section.data, 8)[0] ==
             len(section.data), "ADDR length")
        (subs_at, subs, low_at, lows, spans_at, records, words_at, words,
         nat64, zero) = struct.unpack_from("<10I", section.data, 80)
        need(nat64 <= 8 and zero == 0, "ADDR NAT64")
        word = struct.unpack_from(f"<{words}I", section.data, words_at)
        span = struct.unpack_from(f"<{records + 1}I", section.data, spans_at)
        need(span[0] == 0 and span[-1] == words, "ADDR records")
        self.port_records = []
        for start, end in zip(span, span[1:]):
            need(end - start >= 3 and (end - start) % 2, "ADDR record")
            ports = word[start + 1:end:2]
            need(list(ports) == sorted(set(ports)), "ADDR ports")
            self.port_records.append(
                {None: self._verdict(word[start], None)} |
                {port: self._verdict(verdict, None) for port, verdict
                 in zip(ports, word[start + 2:end:2])})
        low = [struct.unpack_from("<QI", section.data, low_at + 12 * i)
               for i in range(lows)]
        span = struct.unpack_from(f"<{subs + 1}I", section.data, subs_at)
        need(span[0] == 0 and span[-1] == lows, "ADDR sub-tables")
        tables = []
        for start, end in zip(span, span[1:]):
            keys = [key for key, _ in low[start:end]]
            need(keys and keys[0] == 0 and keys == sorted(set(keys)),
                 "ADDR sub-table")
            tables.append([(key, self._verdict(verdict, None))
                           for key, verdict in low[start:end]])
        self.v4 = [(key, self._verdict(verdict, None)) for key, verdict
                   in self._table(section, 16, "I")]
        self.v6 = [(key, self._verdict(verdict, tables)) for key, verdict
                   in self._table(section, 48, "Q")]
        self.nat64 = [(section.data[at:at + 16],
                       struct.unpack_from("<Q", section.data, at + 16)[0])
                      for at in range(120, 120 + 24 * nat64, 24)]

    @staticmethod
    def _lookup(table, key, port):
        verdict = table[bisect.bisect_right(table, key, key=lambda e: e[0])
                        - 1][1]
        return verdict.get(port, verdict[None]) \
            if isinstance(verdict, dict) else verdict

    def classify(self, address, port):
        """The class of an address (an ipaddress object) and its rule."""
        if address.version == 6 and address.ipv4_mapped:
            address = address.ipv4_mapped
        if address.version == 4:
            return self._lookup(self.v4, int(address), port)
        high, low = divmod(int(address), 1 << 64)
        found = self._lookup(self.v6, high, port)
        if isinstance(found, list):
            found = self._lookup(found, low, port)
        code, rule = found
        isatap = low >> 32 & 0xFCFFFFFF == 0x5EFE
        if code == 10:
            inner = inner_address(int(address), rule)
            return (4, None) if inner is None else \
                self._lookup(self.v4, inner, port)
        if code == 7 and isatap:
            return 5, None
        if code == 8:
            for inner in self._embedded(int(address), high, low, isatap):
                if inner in METADATA:
                    return self._lookup(self.v4, inner, port)
        return code, rule

    def _embedded(self, address, high, low, isatap):
        """The IPv4 addresses that an IPv6 address may lead to."""
        if isatap or address >> 32 in (0, 0xFFFF0000, 0x0064FF9B << 64):
            yield low & NONE
        if high >> 32 == 0x20010000:
            yield low & NONE ^ NONE
        if high >> 48 == 0x2002:
            yield high >> 16 & NONE
        if high >> 16 == 0x0064FF9B0001:
            for length in (48, 56, 64, 96):
                yield inner_address(address, length)
        for prefix, length in self.nat64:
            if (address ^ int.from_bytes(prefix, "big")) >> 128 - length == 0:
                yield inner_address(address, length)

    def _source_map(self):
        self.files = []
        if FILES in self.section:
            files = self.section[FILES]
            offsets = struct.unpack_from(f"<{files.count + 1}I", files.data)
            names = files.data[4 * (files.count + 1):]
            need(offsets[-1] == len(names), "FILES")
            for start, end in zip(offsets, offsets[1:]):
                need(start < end and names[end - 1] == 0, "FILES")
                self.files.append(names[start:end - 1])
        self.line_bits = None
        if LINES in self.section:
            lines = self.section[LINES]
            self.salt, self.line_bits, narrow = struct.unpack_from("<QII",
                                                                   lines.data)
            need(1 <= self.line_bits <= 32, "LINES")
            need(narrow in (0, 4, 5, 6, 7), "LINES width")
            need((narrow != 0) == self.narrow_lines, "LINES feature")
            width = self.line_width = narrow or 8
            first = struct.unpack_from(f"<{self.lists + 3}I", lines.data, 16)
            head = (16 + 4 * (self.lists + 3) + 7) // 8 * 8
            need(len(lines.data) == head + width * lines.count, "LINES size")
            need(first[0] == 0 and first[-1] == lines.count, "LINES lists")
            words = [int.from_bytes(lines.data[at:at + width], "little")
                     for at in range(head, len(lines.data), width)]
            self.words = []
            for start, end in zip(first, first[1:]):
                need(start <= end, "LINES lists")
                part = words[start:end]
                upper = [word >> self.line_bits for word in part]
                need(upper == sorted(set(upper)), "LINES order")
                self.words.append(dict(zip(upper, part)))
        if RULE_LINES in self.section:
            need(self.section[RULE_LINES].count == len(self.rules),
                 "RULE_LINES")
            for rule, record in zip(self.rules,
                                    self.section[RULE_LINES].records()):
                rule["line"] = struct.unpack_from("<I", record)[0]
        if RANGE_LINES in self.section:
            need(self.section[RANGE_LINES].count == len(self.ranges),
                 "RANGE_LINES")

    def line_of(self, number, name, wildcard):
        """Where an entry was written; None without a source map."""
        if self.line_bits is None:
            return None
        index = {GLOBAL_DENY: self.lists,
                 GLOBAL_ALLOW: self.lists + 1}.get(number, number)
        word = block(text_hash(name), self.salt, 2 if wildcard else 1) * \
            0xFF51AFD7ED558CCD & MASK
        word >>= 64 - 8 * self.line_width
        found = self.words[index].get(word >> self.line_bits)
        return None if found is None else found & (1 << self.line_bits) - 1

    # --- the decision ------------------------------------------------------------

    def decide(self, role, host, proxy=None):
        """{"result", "reason", "rule", "project", "entry", "line", ...}: the
        line of the entry that decided, or else of the rule."""
        role, host = role.encode(), host.encode()
        rule, default = self.services.get(role), False
        if rule is None and self.default_rule != NONE:
            rule, default = self.rules[self.default_rule], True
        if rule is None:
            return {"result": "deny", "reason": "no rule matched"}
        answer = {"rule": rule["name"].decode(), "default_rule": default,
                  "project": rule["project"].decode(),
                  "line": rule.get("line")}
        if proxy:
            if rule["proxies"] == NONE or \
                    rule["proxies"] not in self.find(proxy.encode()):
                return answer | {
                    "result": "deny",
                    "reason": "connect proxy host not allowed in rule"}
        found = self.find(host)
        for number, result, reason in (
                (rule["domains"], "allow",
                 "host matched allowed domain in rule"),
                (GLOBAL_DENY, "deny", "host matched rule in global deny list"),
                (GLOBAL_ALLOW, "allow",
                 "host matched rule in global allow list")):
            if number in found:
                wildcard, name = found[number]
                answer |= {"result": result, "reason": reason,
                           "entry": "*." * wildcard + name.decode(),
                           "line": self.line_of(number, name, wildcard)}
                if number == rule["domains"]:
                    answer["mitm"] = self._first_mitm(rule, host)
                return answer
        answer["result"], answer["reason"] = {
            "open": ("allow", "rule has open enforcement policy"),
            "report": ("report", "rule has allow and report policy"),
            "enforce": ("deny", "rule has enforce policy")}[rule["action"]]
        if default:
            answer["reason"] = "default rule policy used"
        return answer

    def _first_mitm(self, rule, host):
        for index in rule["mitm"]:
            domain = self.mitm[index]["domain"]
            if domain == host or (domain.startswith(b"*.") and
                                  not is_address(host) and
                                  host.endswith(domain[1:])):
                return index
        return None


def inner_address(address, length):
    """RFC 6052 section 2.2; None when bits 64 to 71 are not zero."""
    if length == 96:
        return address & NONE
    octets = address.to_bytes(16, "big")
    if octets[8] != 0:
        return None
    start = length // 8
    return int.from_bytes((octets[:8] + octets[9:])[start:start + 4], "big")


def is_address(host):
    """A canonical address literal, as hosts that are asked for have it."""
    if b":" in host:
        return True
    parts = host.split(b".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256
                                   for part in parts)
