// reference checks what wheelwitness publishes with the Go code that other transparency logs rely on:
// golang.org/x/mod/sumdb (note, tlog), crypto/ed25519 and crypto/mldsa.
//
//	reference log DIR KEY...             every tile, every entry, every signature of the log in DIR
//	reference proof PROOF ENTRY KEY...   a c2sp.org/tlog-proof@v1 file of the entry in the file ENTRY
//	reference grow REQUEST OLD KEY       an add-checkpoint request whose proof leads from the checkpoint in OLD
//	reference time SIZE ROUNDS           microseconds: to append an entry, to prove one, in a tree of SIZE
//
// KEYs are vkeys, the log's first; each of them must have signed.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"reference/sumdb/note"
	"reference/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err)
	return data
}

// A cosigner is a note.Verifier for the algorithms that x/mod does not know.
type cosigner struct {
	name      string
	hash      uint32
	algorithm byte
	key       []byte
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }

func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) < 8 {
		return false
	}
	when := binary.BigEndian.Uint64(sig)
	if c.algorithm == 4 {
		return ed25519.Verify(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", when, msg), sig[8:])
	}
	key, err := mldsa.NewPublicKey(mldsa.MLDSA44(), c.key)
	if err != nil {
		return false
	}
	tree, err := tlog.ParseTree(forParse(msg))
	origin, _, _ := strings.Cut(string(msg), "\n")
	if err != nil || len(origin) > 255 || len(c.name) > 255 {
		return false
	}
	var m bytes.Buffer
	m.WriteString("subtree/v1\n\x00")
	m.WriteByte(byte(len(c.name)))
	m.WriteString(c.name)
	m.Write(sig[:8])
	m.WriteByte(byte(len(origin)))
	m.WriteString(origin)
	m.Write(make([]byte, 8))
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(tree.N)))
	m.Write(tree.Hash[:])
	return mldsa.Verify(key, m.Bytes(), sig[8:], nil) == nil
}

func verifier(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) == 3 {
		raw, err := base64.StdEncoding.DecodeString(parts[2])
		must(err)
		if len(raw) > 0 && (raw[0] == 4 || raw[0] == 6) {
			sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
			if fmt.Sprintf("%x", sum[:4]) != parts[1] {
				must(errors.New("vkey with another hash than its key's"))
			}
			return cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), raw[0], raw[1:]}
		}
	}
	v, err := note.NewVerifier(vkey)
	must(err)
	return v
}

// forParse gives x/mod's parser, which knows the checksum database alone, the first line that it expects.
func forParse(text []byte) []byte {
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	return append([]byte("go.sum database tree\n"), rest...)
}

func open(data []byte, vkeys []string) tlog.Tree {
	var known []note.Verifier
	for _, key := range vkeys {
		known = append(known, verifier(key))
	}
	opened, err := note.Open(data, note.VerifierList(known...))
	must(err)
	signers := map[string]bool{}
	for _, sig := range opened.Sigs {
		signers[fmt.Sprintf("%s %x", sig.Name, sig.Hash)] = true
	}
	if len(signers) != len(known) {
		must(fmt.Errorf("%d of %d keys signed", len(signers), len(known)))
	}
	origin, _, _ := strings.Cut(opened.Text, "\n")
	if origin != known[0].Name() {
		must(errors.New("checkpoint of another origin than the log's key"))
	}
	tree, err := tlog.ParseTree(forParse([]byte(opened.Text)))
	must(err)
	return tree
}

func hashes(lines []string) (found []tlog.Hash) {
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err)
		found = append(found, hash)
	}
	return found
}

type directory string

func (d directory) Height() int                      { return 8 }
func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

func (d directory) ReadTiles(wanted []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range wanted {
		one, err := os.ReadFile(filepath.Join(string(d), path(tile)))
		if err != nil {
			return nil, err
		}
		data = append(data, one)
	}
	return data, nil
}

// path is where c2sp.org/tlog-tiles has a tile that x/mod calls tile/8/<level or data>/….
func path(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), "tile/8/")
	return "tile/" + strings.Replace(rest, "data/", "entries/", 1)
}

func checkLog(dir string, vkeys []string) {
	tree := open(read(filepath.Join(dir, "checkpoint")), vkeys)
	reader := tlog.TileHashReader(tree, directory(dir)) // authenticates each tile that it reads
	for at := int64(0); at < tree.N; {
		width := min(256, tree.N-at)
		data := read(filepath.Join(dir, path(tlog.Tile{H: 8, L: -1, N: at / 256, W: int(width)})))
		var indexes []int64
		var records []tlog.Hash
		for len(data) >= 2 {
			size := int(binary.BigEndian.Uint16(data))
			records = append(records, tlog.RecordHash(data[2:2+size]))
			indexes = append(indexes, tlog.StoredHashIndex(0, at+int64(len(indexes))))
			data = data[2+size:]
		}
		if int64(len(records)) != width || len(data) != 0 {
			must(fmt.Errorf("entries from %d: not %d of them", at, width))
		}
		stored, err := reader.ReadHashes(indexes)
		must(err)
		for i, hash := range records {
			if hash != stored[i] {
				must(fmt.Errorf("entry %d is not what the tree has", at+int64(i)))
			}
			if index := at + int64(i); index%97 == 0 || index == tree.N-1 {
				proof, err := tlog.ProveRecord(tree.N, index, reader)
				must(err)
				must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, hash))
			}
		}
		at += width
	}
	fmt.Println("ok", tree.N)
}

func checkProof(proof, entry string, vkeys []string) {
	head, checkpoint, found := strings.Cut(string(read(proof)), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		must(errors.New("no tlog-proof"))
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err)
	tree := open([]byte(checkpoint), vkeys)
	must(tlog.CheckRecord(hashes(lines[2:]), tree.N, tree.Hash, index, tlog.RecordHash(read(entry))))
	fmt.Println("ok", index)
}

func checkGrowth(request, old, vkey string) {
	head, checkpoint, found := strings.Cut(string(read(request)), "\n\n")
	lines := strings.Split(head, "\n")
	if !found {
		must(errors.New("no request"))
	}
	before, after := open(read(old), []string{vkey}), open([]byte(checkpoint), []string{vkey})
	if lines[0] != fmt.Sprintf("old %d", before.N) {
		must(errors.New("from another size"))
	}
	must(tlog.CheckTree(hashes(lines[1:]), after.N, after.Hash, before.N, before.Hash))
	fmt.Println("ok", after.N)
}

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = m[index]
	}
	return found, nil
}

func measure(size int64, rounds int) {
	var stored memory
	entry := make([]byte, 1500)
	started := time.Now()
	for n := int64(0); n < size; n++ {
		binary.BigEndian.PutUint64(entry, uint64(n))
		more, err := tlog.StoredHashes(n, entry, stored)
		must(err)
		stored = append(stored, more...)
	}
	appending := time.Since(started)
	started = time.Now()
	for i := range rounds {
		_, err := tlog.ProveRecord(size, int64(i)*7919%size, stored)
		must(err)
	}
	proving := time.Since(started)
	micros := func(spent time.Duration, count int64) float64 { return float64(spent.Nanoseconds()) / 1e3 / float64(count) }
	fmt.Printf("%.3f %.3f\n", micros(appending, size), micros(proving, int64(rounds)))
}

func main() {
	if len(os.Args) < 4 {
		must(errors.New("usage: see the comment at the top of main.go"))
	}
	switch what, rest := os.Args[1], os.Args[2:]; what {
	case "log":
		checkLog(rest[0], rest[1:])
	case "proof":
		checkProof(rest[0], rest[1], rest[2:])
	case "grow":
		checkGrowth(rest[0], rest[1], rest[2])
	case "time":
		size, err := strconv.ParseInt(rest[0], 10, 64)
		must(err)
		rounds, err := strconv.Atoi(rest[1])
		must(err)
		measure(size, rounds)
	default:
		must(errors.New("no such check"))
	}
}
