package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol/art"
)

func classImage(p *program) *cobra.Command {
	var drawn bool
	c := &cobra.Command{
		Use: "image " + p.tr("MODÈLE [FICHIER]", "CLASS [FILE]"), Args: cobra.RangeArgs(1, 2),
		Short:   p.tr("donner une image à un modèle, sur ce nœud, à la place de son dessin", "give a class a picture, on this node, in place of its drawing"),
		Example: "  essaim class image Soudure soudure.jpg\n  essaim class image Soudure --drawn",
		RunE: func(c *cobra.Command, args []string) error {
			if drawn == (len(args) == 2) {
				return usage(p.tr("donnez un fichier, ou --drawn", "give a file, or --drawn"))
			}
			var file []byte
			if !drawn {
				var err error
				if file, err = p.readPicture(args[1]); err != nil {
					return err
				}
			}
			return p.withClass(c.Context(), args[0], func(cl *client, cid string) error {
				r := put(fmt.Sprintf("/classes/%s/image", cid), file)
				if drawn {
					r = remove(fmt.Sprintf("/classes/%s/image", cid))
				}
				_, err := tell(c.Context(), p, cl, r, func(v api.Picture) {
					if v.Picture == "" {
						p.say("✓ Ce modèle est de nouveau dessiné.", "✓ The class is drawn again.")
					} else {
						p.say("✓ Image gardée : %s", "✓ Picture kept: %s", v.Picture)
					}
				})
				return err
			})
		},
	}
	c.Flags().BoolVar(&drawn, "drawn", false, p.tr("revenir au dessin", "back to the drawing"))
	return c
}

// readPicture reads one byte more than is taken, so that the node says so.
func (p *program) readPicture(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, art.MaxUpload+1))
}
