// Gen writes the tables that package territory embeds. It reads the TSV files
// of a source directory, keeps the columns that are used, and compresses each
// table with zstd. Equal input gives equal bytes.
//
//	go run ./internal/gen -from ../../../shared/data/geo -to data
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// version names the tables. The count establishes it: 34,875 communes beside
// the 94 of the collectivités d'outre-mer, and 1,254 EPCI beside the Métropole
// de Lyon, are those of the Code officiel géographique on 1 January 2025.
const version = "cog-2025"

// tables says which columns of which source file become which table.
var tables = []struct {
	from, to string
	columns  []string
}{
	{"fr-communes.tsv", "communes", []string{"insee", "nom", "dep", "epci", "pop", "lat", "lng", "cp"}},
	{"fr-arrondissements-municipaux.tsv", "arrondissements", []string{"insee", "nom", "commune", "pop", "lat", "lng", "cp"}},
	{"fr-communes-anciennes.tsv", "former-communes", []string{"ancien_insee", "insee_actuel", "ancien_nom"}},
	{"fr-epci.tsv", "epci", []string{"siren", "nom", "type", "pop", "lat", "lng", "deps"}},
	{"fr-ept.tsv", "ept", []string{"siren", "nom", "communes"}},
	{"fr-departements.tsv", "departements", []string{"code", "nom", "region", "iso3166_2", "pop", "lat", "lng"}},
	{"fr-regions.tsv", "regions", []string{"code", "nom", "iso3166_2", "pop", "lat", "lng"}},
	{"iso3166-1.tsv", "countries", []string{"alpha2", "name_fr", "name_en", "lat", "lng"}},
	{"world-cities-15k.tsv", "cities", []string{"geonames", "cc", "nom", "lat", "lng", "pop"}},
}

// french lists the country codes whose places are in the table of communes.
var french = []string{"FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "TF", "WF", "PF", "NC"}

// exonyms.tsv gives the French names of cities abroad. It is ours, and short:
// the capitals and the neighbours that the French name otherwise.
//
//go:embed exonyms.tsv
var exonyms string

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "directory of the source TSV files")
	to := flag.String("to", "data", "directory to write the tables in")
	flag.Parse()
	if *from == "" {
		log.Fatal("gen: -from is needed: the directory that holds fr-communes.tsv")
	}
	if err := run(*from, *to); err != nil {
		log.Fatalf("gen: %v", err)
	}
}

func run(from, to string) error {
	// Best compression, in one piece by one goroutine, so that bytes do not
	// depend on the machine.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		return err
	}
	defer enc.Close()
	for _, t := range tables {
		rows, err := read(filepath.Join(from, t.from), t.columns)
		if err != nil {
			return err
		}
		if t.to == "countries" {
			dropWrongPoints(rows)
			// A code GeoNames uses that ISO 3166-1 leaves to its users.
			rows = append(rows, []string{"XK", "Kosovo", "Kosovo", "", ""})
		}
		header := t.columns
		if t.to == "cities" {
			header = []string{"geonames", "cc", "nom", "alias", "lat", "lng", "pop"}
			if rows, err = abroad(rows); err != nil {
				return err
			}
		}
		var out bytes.Buffer
		for _, row := range append([][]string{header}, rows...) {
			out.WriteString(strings.Join(row, "\t"))
			out.WriteByte('\n')
		}
		packed := enc.EncodeAll(out.Bytes(), nil)
		if err := os.WriteFile(filepath.Join(to, t.to+".tsv.zst"), packed, 0o644); err != nil {
			return err
		}
		fmt.Printf("%-16s %6d rows %8d bytes %8d compressed\n", t.to, len(rows), out.Len(), len(packed))
	}
	return os.WriteFile(filepath.Join(to, "version.txt"), []byte(version+"\n"), 0o644)
}

// read returns the named columns of a TSV file, in that order.
func read(file string, columns []string) ([][]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	header := strings.Split(lines[0], "\t")
	var at []int
	for _, c := range columns {
		i := slices.Index(header, c)
		if i < 0 {
			return nil, fmt.Errorf("%s: no column %q in %q", file, c, header)
		}
		at = append(at, i)
	}
	var rows [][]string
	for n, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		if len(fields) != len(header) {
			return nil, fmt.Errorf("%s:%d: %d columns, want %d", file, n+2, len(fields), len(header))
		}
		row := make([]string, len(at))
		for i, j := range at {
			row[i] = fields[j]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// dropWrongPoints empties the points of countries that are not on Earth: the
// source gives Russia, which crosses the antimeridian, a longitude of 198.26.
func dropWrongPoints(rows [][]string) {
	for _, r := range rows { // alpha2 name_fr name_en lat lng
		if lng, err := strconv.ParseFloat(r[4], 64); err == nil && math.Abs(lng) > 180 {
			r[3], r[4] = "", ""
		}
	}
}

// abroad drops the cities of France and puts the French name, where there is
// one, before the name of GeoNames, which becomes the alias.
func abroad(rows [][]string) ([][]string, error) {
	names := make(map[string]string) // "BE\tBrussels" → "Bruxelles"
	for _, line := range strings.Split(strings.TrimSpace(exonyms), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("exonyms.tsv: line %q: want 3 columns", line)
		}
		if f[1] != f[2] {
			names[f[0]+"\t"+f[1]] = f[2]
		}
	}
	var kept [][]string
	for _, r := range rows { // geonames cc nom lat lng pop
		if slices.Contains(french, r[1]) {
			continue
		}
		name, alias := r[2], ""
		if fr, ok := names[r[1]+"\t"+name]; ok {
			delete(names, r[1]+"\t"+name)
			name, alias = fr, name
		}
		kept = append(kept, []string{r[0], r[1], name, alias, r[3], r[4], r[5]})
	}
	for name := range names {
		return nil, fmt.Errorf("exonyms.tsv: no city %q in the source", name)
	}
	return kept, nil
}
