package web_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"codeberg.org/essaim/essaim/protocol"
)

// browser opens a real browser on a phone's screen, in French, or skips.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("lang", "fr-FR"), chromedp.Flag("accept-lang", "fr-FR"), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true), chromedp.UserDataDir(t.TempDir()),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	return ctx
}

// A member opens the claim link on a phone, reads, says who they are, accepts,
// and sees that it is done. With ESSAIM_SCREENSHOTS=DIR the screens are kept.
func TestJourneyOfAClaim(t *testing.T) {
	ctx := browser(t)
	f := newFablab(t)
	var title, done string
	var width int64
	var offered, accepted []byte
	err := chromedp.Run(ctx,
		chromedp.EmulateViewport(360, 760, chromedp.EmulateMobile),
		chromedp.Navigate(f.site.URL+"/reclamer/"+f.code),
		chromedp.Title(&title),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &width),
		chromedp.FullScreenshot(&offered, 100),
		chromedp.SendKeys("#name", "Nadia B."),
		chromedp.Click("input[name=accept]"),
		chromedp.Submit("form"),
		chromedp.WaitVisible(".yes"),
		chromedp.Text(".yes", &done),
		chromedp.FullScreenshot(&accepted, 100),
	)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Découpe <script>alert(1)</script> – Accepter un badge – Essaim"; title != want {
		t.Errorf("title %q, want %q", title, want)
	}
	if width > 360 {
		t.Errorf("the page is %d pixels wide on a screen of 360: it scrolls sideways", width)
	}
	if want := "✓ Ce badge est accepté. Il est public dans son territoire."; done != want {
		t.Errorf("got %q, want %q", done, want)
	}
	stats, err := f.node.Store().Stats()
	if err != nil || stats.Records[protocol.Award] != 1 || stats.Records[protocol.Profile] != 2 {
		t.Errorf("records %v, %v: want one award and a second profile", stats.Records, err)
	}
	if dir := os.Getenv("ESSAIM_SCREENSHOTS"); dir != "" {
		for name, png := range map[string][]byte{"claim-offered.png": offered, "claim-accepted.png": accepted} {
			if err := os.WriteFile(filepath.Join(dir, name), png, 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}
