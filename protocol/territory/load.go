package territory

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxTable bounds one unpacked table in bytes. The largest embedded one has 2 MB.
const maxTable = 32 << 20

// Load reads a gazetteer from the files that data/ holds: version.txt and
// tables named "communes.tsv.zst", or "communes.tsv" if there is no compressed
// one. Each table begins with the header line that the embedded one has.
//
// Load refuses tables that contradict one another (a commune of an unknown
// EPCI, a former commune that nothing replaced); the error names table and
// line. Nothing is kept of data once Load has returned.
func Load(data fs.FS) (*Gazetteer, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxTable))
	if err != nil {
		return nil, fmt.Errorf("gazetteer: %w", err)
	}
	defer dec.Close()
	version, err := fs.ReadFile(data, "version.txt")
	if err != nil {
		return nil, fmt.Errorf("gazetteer: %w", err)
	}
	l := &loader{
		data: data, dec: dec,
		g:           &Gazetteer{version: strings.TrimSpace(string(version)), areaOf: make(map[ID]int16)},
		departments: make(map[string]int16),
		regions:     make(map[string]int16),
	}
	for _, read := range []func() error{
		l.readRegions, l.readDepartments, l.readEPCI, l.readCommunes, l.readEPT,
		l.readArrondissements, l.readFormer, l.readCountries, l.readCities,
	} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("gazetteer %q: %w", l.g.version, err)
		}
	}
	l.finish()
	return l.g, nil
}

// A loader holds what only reading needs.
type loader struct {
	data        fs.FS
	dec         *zstd.Decoder
	g           *Gazetteer
	departments map[string]int16 // code → index
	regions     map[string]int16
}

// table unpacks the named table, checks its header and calls row for each line
// with as many fields as the header has. The slice is reused; its strings are
// not copied.
func (l *loader) table(name, header string, row func(f []string) error) error {
	text, err := l.unpack(name)
	if err != nil {
		return err
	}
	first, rest, _ := strings.Cut(text, "\n")
	if first != strings.ReplaceAll(header, " ", "\t") {
		return fmt.Errorf("table %s: header %q, want the columns %q", name, first, header)
	}
	fields := make([]string, strings.Count(header, " ")+1)
	for n := 2; rest != ""; n++ {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if got := strings.Count(line, "\t") + 1; got != len(fields) {
			return fmt.Errorf("table %s, line %d: %d columns, want %d", name, n, got, len(fields))
		}
		for i := range fields {
			fields[i], line, _ = strings.Cut(line, "\t")
		}
		if err := row(fields); err != nil {
			return fmt.Errorf("table %s, line %d: %w", name, n, err)
		}
	}
	return nil
}

func (l *loader) unpack(name string) (string, error) {
	f, err := l.data.Open(name + ".tsv.zst")
	packed := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		f, err = l.data.Open(name + ".tsv")
	}
	if err != nil {
		return "", fmt.Errorf("table %s: %w", name, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxTable+1))
	if err == nil && packed {
		raw, err = l.dec.DecodeAll(raw, nil)
	}
	if err == nil && len(raw) > maxTable {
		err = fmt.Errorf("more than %d bytes", maxTable)
	}
	if err != nil {
		return "", fmt.Errorf("table %s: %w", name, err)
	}
	return string(raw), nil
}

// finish fills what follows from the tables alone.
func (l *loader) finish() {
	g := l.g
	g.places = slices.Clip(g.places)
	g.vectors = make([]vector, len(g.places))
	for i := range g.places {
		g.vectors[i] = g.places[i].point().vector()
	}
	// Members of the areas, in two passes so that they share one array.
	count := make([]int, len(g.areas))
	for i := range g.places[:g.communes] {
		count[g.places[i].area]++
	}
	all := make([]int32, 0, g.communes)
	for i := range g.areas {
		if n := len(all); count[i] > 0 {
			g.areas[i].members, all = all[n:n:n+count[i]], all[:n+count[i]]
		}
	}
	for i := range g.places[:g.communes] {
		a := &g.areas[g.places[i].area]
		a.members = append(a.members, int32(i))
	}
	g.search = sync.OnceValue(g.buildSearch)
}

// commune returns the index in places of the commune with that INSEE code.
func (g *Gazetteer) commune(code string) (int32, bool) {
	i, ok := slices.BinarySearchFunc(g.places[:g.communes], code, func(p place, c string) int { return cmp.Compare(p.code, c) })
	return int32(i), ok
}

// country returns the index in countries of the country with that code.
func (g *Gazetteer) country(code string) (int, bool) {
	return slices.BinarySearchFunc(g.countries, code, func(c country, want string) int { return cmp.Compare(c.code, want) })
}
