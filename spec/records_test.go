package spec_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var citation = regexp.MustCompile(`spec/([a-z-]+\.md)(?: §([0-9]+))?`)

// A comment that cites a section of a page here leads to one. A page may be
// cited before it is written.
func TestCitations(t *testing.T) {
	pages := map[string]string{}
	cited := 0
	for _, f := range goFiles(t) {
		for _, group := range f.syntax.Comments {
			text := strings.Join(strings.Fields(group.Text()), " ")
			for _, found := range citation.FindAllStringSubmatch(text, -1) {
				name, section := found[1], found[2]
				if _, read := pages[name]; !read {
					raw, err := os.ReadFile(name)
					if err != nil && !os.IsNotExist(err) {
						t.Fatal(err)
					}
					pages[name] = string(raw)
				}
				if pages[name] == "" || section == "" {
					continue
				}
				cited++
				if !strings.Contains(pages[name], "\n## "+section+". ") {
					t.Errorf("%s cites spec/%s §%s, which is not there", f.at(group), name, section)
				}
			}
		}
	}
	if cited < 10 {
		t.Errorf("found %d citations of sections, there are more", cited)
	}
}
