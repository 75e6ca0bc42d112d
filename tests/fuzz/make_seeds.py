#!/usr/bin/env python3
"""make_seeds.py QUENCH FOLDER - small files for each fuzz target to begin with: FOLDER/TARGET/NAME.

Graphs come from tests/import/tensorflow_cases.bin (TensorFlow's own, one for each operator); compiled files are what QUENCH
makes of them in each precision, without what aligns their tables (model_file.h). Everything else is made here. Needs
libturbojpeg for pictures. scripts/fuzz --corpus chooses from these files, and from what fuzzing found, what is committed.
"""
import ctypes
import ctypes.util
import json
import os
import struct
import subprocess
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "..", "import", "tensorflow_cases.bin")
SEED_BYTES_MAX = 4096
MODES = {"f32": ["force_float32"], "f16": ["force_float16"], "u8": ["qint8_mixed_float16", "--fixed-range=-2,6"],
         "s16": ["qint16_mixed_float32", "--fixed-range=-2,6"]}
quench, folder = sys.argv[1], sys.argv[2]


def put(target, name, data):
    data = data if isinstance(data, bytes) else data.encode()
    if len(data) > SEED_BYTES_MAX:
        return
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), "wb") as file:
        file.write(data)


# ---- Graphs, and what is compiled from them ----

def read_cases():
    """Names and GraphDefs of tensorflow_cases.bin, whose format is in make_cases.py."""
    with open(CASES, "rb") as file:
        data = file.read()
    at = 8

    def take(count):
        nonlocal at
        at += count
        return data[at - count:at]

    def number():
        return struct.unpack("<I", take(4))[0]

    for _ in range(struct.unpack_from("<I", data, 4)[0]):
        name, proto = take(number()), take(number())
        for _ in range(2):
            for _ in range(number()):
                take(number())
                number()
                take(8 * number())
                take(number())
        yield name.decode().replace(" ", "_").replace("/", "_"), proto


def sections_of(qn):
    """Version and sections of a compiled file (docs/file-format.md)."""
    version, count = struct.unpack_from("<II", qn, 8)
    entries = [struct.unpack_from("<QQ", qn, 40 + 24 * i + 8) for i in range(count)]
    return version, [bytearray(qn[offset:offset + length]) for offset, length in entries]


def meta_of(qn):
    _, sections = sections_of(qn)
    at = struct.unpack_from("<I", sections[0], 4)[0]
    return json.loads(sections[13][at:sections[13].index(0, at)])


# Where records of a section refer to texts: section, bytes of a record, fields.
TEXTS = [(0, 16, [0]), (1, 32, [0, 4]), (4, 80, [0]), (6, 48, [4, 8]), (8, 8, [4]), (11, 4, [0]), (15, 12, [4])]


def drop_meta(sections):
    """Takes the meta text, most of a small file, out of the texts: "" stands for it."""
    at = struct.unpack_from("<I", sections[0], 4)[0]
    end = sections[13].index(0, at) + 1
    del sections[13][at:end]
    struct.pack_into("<I", sections[0], 4, 0)
    for section, record, fields in TEXTS:
        for start in range(0, len(sections[section]) if section < len(sections) else 0, record):
            for field in fields:
                text = struct.unpack_from("<I", sections[section], start + field)[0]
                struct.pack_into("<I", sections[section], start + field, text - (end - at) * (text >= end))


def shorten(qn):
    """The short form of a compiled file: each section behind its length. None where one is too long."""
    version, sections = sections_of(qn)
    drop_meta(sections)
    if max(map(len, sections)) > 0xffff:
        return None
    return b"QNS" + bytes([version]) + b"".join(struct.pack("<H", len(section)) + section for section in sections)


def compile_graph(path, name, mode, options):
    compiled = os.path.join(folder, "compiled.qn")
    command = [quench, "build", path, "-o", compiled, "-q", "--precision"] + options
    if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return
    with open(compiled, "rb") as file:
        qn = file.read()
    os.remove(compiled)
    short = shorten(qn)
    if short:
        put("model", name + "-" + mode, short)
    meta = meta_of(qn)
    if "refit" in meta:
        put("text_graph", name, meta["refit"]["graph"])
        put("refit", name, meta["refit"]["graph"])
    if mode == "u8":
        put("meta", name, json.dumps(meta))


def put_graphs():
    config = os.path.join(folder, "refit.json")
    with open(config, "w") as file:
        file.write('{"enable_refit": true}')
    for name, proto in read_cases():
        put("graph", name, proto)
        put("integer_graph", name, proto)
        path = os.path.join(folder, "graph", name)
        if not os.path.exists(path):
            continue
        for mode, options in MODES.items():
            compile_graph(path, name, mode, options)
        compile_graph(path, name, "refit", ["force_float32", "--config", config])
    os.remove(config)


# ---- Pictures ----

def jpeg(width, height, gray, progressive):
    library = ctypes.CDLL(ctypes.util.find_library("turbojpeg"))
    library.tjInitCompress.restype = ctypes.c_void_p
    pixels = bytes((x * 29 + 7) % 256 for x in range(width * height * (1 if gray else 3)))
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    handle = ctypes.c_void_p(library.tjInitCompress())
    failed = library.tjCompress2(handle, pixels, width, 0, height, 6 if gray else 0, ctypes.byref(out), ctypes.byref(size),
                                 3 if gray else 2, 40, 16384 if progressive else 0)
    data = b"" if failed else ctypes.string_at(out, size.value)
    library.tjFree(out)
    library.tjDestroy(handle)
    return data


def with_exif(data, order, orientation):
    mark, short, long = (b"II", "<H", "<I") if order == "little" else (b"MM", ">H", ">I")
    ifd = struct.pack(short, 1) + struct.pack(short, 0x112) + struct.pack(short, 3) + struct.pack(long, 1) + \
        struct.pack(short, orientation) + b"\0\0" + struct.pack(long, 0)
    body = b"Exif\0\0" + mark + struct.pack(short, 42) + struct.pack(long, 8) + ifd
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, kind, interlaced=0, extra=b""):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    row = (width * depth * channels + 7) // 8
    rows = b"".join(bytes([y % 5]) + bytes((3 * x + y) % (4 if kind == 3 else 256) for x in range(row)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def put_pictures():
    for gray in [0, 1]:
        for progressive in [0, 1]:
            data = jpeg(17, 9, gray, progressive)
            put("picture", "%d%d.jpg" % (gray, progressive), data)
            for i, order in enumerate(["little", "big"]):
                put("picture", "%d%d%s.jpg" % (gray, progressive, order), with_exif(data, order, 6 + i))
    palette = chunk(b"PLTE", bytes(range(12)))
    for kind, depth in [(0, 1), (0, 8), (0, 16), (2, 8), (2, 16), (3, 2), (3, 8), (4, 8), (6, 8), (6, 16)]:
        extra = palette if kind == 3 else b""
        put("picture", "%d-%d.png" % (kind, depth), png(5, 4, depth, kind, 0, extra))
    put("picture", "alpha.png", png(5, 4, 8, 3, 0, palette + chunk(b"tRNS", b"\0\x80")))
    put("picture", "key.png", png(5, 4, 8, 2, 0, chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"tRNS", b"\0\1\0\2\0\3")))
    put("picture", "text.ppm", "P3 # comment\n2 2\n255\n" + "1 2 3 " * 4)
    put("picture", "text.pgm", "P2 2 2 255 1 2 3 4")
    put("picture", "raw.ppm", b"P6\n3 2\n255\n" + bytes(range(18)))
    put("picture", "raw.pgm", b"P5 3 2 255 " + bytes(range(6)))


# ---- Arrays and lists ----

def npy(descr, order, shape, data, version=1):
    text = ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)).encode()
    fixed = 10 if version == 1 else 12
    text += b" " * (-(fixed + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def put_arrays():
    for code, size in [("f4", 4), ("f8", 8), ("f2", 2), ("i1", 1), ("u1", 1), ("i2", 2), ("u2", 2), ("i4", 4), ("u4", 4),
                       ("i8", 8), ("u8", 8), ("b1", 1)]:
        put("npy", code, npy(("|" if size == 1 else "<") + code, "False", "(2, 3)", bytes(range(6 * size))))
    put("npy", "swapped", npy(">f4", "False", "(6,)", bytes(range(24))))
    put("npy", "fortran", npy("<i2", "True", "(2, 3)", bytes(range(12)), 2))
    put("npy", "scalar", npy("<f8", "False", "()", bytes(8), 3))
    put("npy", "empty", npy("<f4", "False", "(0, 3L)", b""))
    put("npy", "ranks", npy("|u1", "False", "(1, 1, 1, 1, 1, 1, 1, 1)", b"\1"))


def put_texts():
    put("palette", "colors", "# classes\nbackground 0 0 0\nroad sign 128 64 255\n\n")
    put("palette", "names", "\tcat\r\ndog  \n  a b c\n")
    put("palette", "late", "cat 1 2 3\ndog\n")
    put("list", "pictures", "a.ppm\na.ppm shape[1,2,3,3]\n\n a \r\n")
    put("list", "arrays", b"\xef\xbb\xbfx.npy\nx.npy\n")
    put("list", "mixed", "x.npy shape[1,3,4,3]\na.ppm\nmissing.jpg\n/x.png shape[1,1")
    put("option", "import", "ix=4,2\noy\nrx=1,2:8,2\npforce_float32\nqforce_float16")
    put("option", "ranges", "ix\nr1,2:513x2\npforce_float16\nfauto")
    put("option", "more", "cgeneric\ncnative\nkprecision_config.precision_mode=\"force_float16\"\ntshrink\ntexact")
    put("option", "nodes", "aconv2d stride=[2, 2], padding=same_upper, activation=relu6\narelu\narealdiv\n"
        "acast dtype=s32\nareduce_mean axes=[1, -1], keep_dims=true\nasoftmax axis=-1")


# ---- Networks ----

NETWORKS = {
    "block": """graph "block" {
symbol h [4, 32]
input %x : f32[1, h, 8, 3]
const %w : f32[3, 3, 3, 4] = random 1
const %b : f32[4] = random 2
const %d : f32[3, 3, 1, 4] = random 3
const %p : f32[1, 1, 4, 4] = random 4
const %six : f32[] = splat 6
%c = conv2d(%x, %w) {stride=[2, 2], padding=same_upper}
%s = mul(%c, %b)
%a = add(%s, %b)
%r = relu(%a)
%m = minimum(%r, %six)
%e = conv2d(%m, %d) {padding=same_upper, groups=4}
%f = relu6(%e)
%g = conv2d(%f, %p) {padding=valid}
%u = add(%g, %m)
%y = sigmoid(%u)
output %y
}""",
    "labels": """graph "labels" {
symbol h [1, 32]
input %x : u8[1, h, 6, 3]
const %w : f32[1, 1, 3, 5] = random 1
const %size : s32[2] = {9, 7}
%f = cast(%x) {dtype=f32}
%c = conv2d(%f, %w) {padding=valid}
%n = resize_bilinear(%c, %size)
%y = argmax(%n) {axis=3, dtype=s32}
output %y
}""",
    "found": """graph "found" {
symbol n [0, 64]
input %x : f32[n, 4]
input %i : s32[3]
const %m : f32[4, 2] = random 1
%w = where(%x)
%g = gather(%x, %i) {axis=0}
%y = matmul(%g, %m)
%s = softmax(%y)
output %w
output %s
}"""}


def put_networks():
    for name, text in NETWORKS.items():
        for i in range(4):  # the last byte decides the precision
            put("text_graph", "%s-%d" % (name, i), text + "\n" * (i + 1))


# ---- JSON ----

def put_json():
    configs = {
        "precision": {"precision_config": {"precision_mode": "qint8_mixed_float16", "weight_quant_granularity": "per_axis",
                                           "activation_quant_algo": "asymmetric", "rounding_iterations": 3}},
        "float16": {"precision_config": {"precision_mode": "force_float16"}, "enable_refit": True},
        "shapes": {"archs": ["x86_64-avx2"], "graph_shape_mutable": True,
                   "dim_range": {"0": {"min": [1, 8, 8, 3], "max": [1, 64, 64, 3]}}},
        "fixed": {"graph_shape_mutable": False, "dim_range": {"0": {"min": [1, 8, 8, 3], "max": [1, 8, 8, 3]}}},
        "nodes": {"custom_nodes": {"conv2d": {"precision": "float16"}, "IConvNode": {
            "precision": "int8", "input": {"0": {"quant_granularity": "per_axis"}}}},
            "custom_ranges": {"": {"min": [0], "max": [6]}}},
        "layout": {"convert_input_layout": {"0": {"src": "NHWC", "dst": "NCHW"}},
                   "insert_bn_before_firstnode": {"0": {"mean": [127.5], "var": [16256.25]}}},
        "image": {"image": {"input": "x", "color": "BGR", "mean": [1, 2, 3], "fit": "shrink", "classes": ["a", "b", "c"],
                            "palette": [[0, 0, 0], [1, 2, 3], [255, 255, 255]]}},
        "debug": {"debug_config": {"skip_passes": ["fuse_bias"], "print_ir": {"print_level": 0}, "fusion_enable": False}},
    }
    for name, config in configs.items():
        put("config", name, json.dumps(config))
    image = {"input": "x", "output": "y", "layout": "NHWC", "color": "RGB", "decode": "labels", "fit": "shrink",
             "class_count": 3, "classes": ["a", "b", "c"], "palette": "voc", "pad_value": [1, 2, 3]}
    put("meta", "image", json.dumps({"config": configs["float16"], "image": image}))
    put("meta", "logits", json.dumps({"image": dict(image, decode="logits", axis=3, mean=[1.5], std=[2, 3, 4], scale=0.5,
                                                    classes="ade20k", palette=[[1, 2, 3]])}))
    channels = {"channel_min": [0.0, 0.0, 0.0, -1.5], "channel_max": [6.0, 5.5, 0.25, 1.0],
                "channel_mean": [0.75, 1.25, 0.125, 0.0], "channel_square": [1.5, 2.5, 0.5, 1.0]}
    for name, values in [("plain", {"min": -2.0, "max": 6.0}), ("channels", dict({"min": -1.5, "max": 6.0, "elements": 64},
                                                                                 **channels))]:
        names = ["f", "c", "a", "r"] + (["x"] if name == "plain" else [])
        put("ranges", name, json.dumps({
            "format": "quench ranges 1", "network": "pictures", "algorithm": "eqnm", "samples": 100,
            "source": {"bytes": 8773281, "hash": "90c5f2b1a6d3e478"}, "values": {n: values for n in names}}))


def main():
    os.makedirs(folder, exist_ok=True)
    put_graphs()
    put_pictures()
    put_arrays()
    put_texts()
    put_networks()
    put_json()
    for target in sorted(os.listdir(folder)):
        names = os.listdir(os.path.join(folder, target))
        size = sum(os.path.getsize(os.path.join(folder, target, name)) for name in names)
        print("%-14s %4d files, %7d bytes" % (target, len(names), size))


main()
