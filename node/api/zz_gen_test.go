package api_test
import ("testing";"fmt";"sort";"strings")
func TestZZGen(t *testing.T){
 var rows []string
 for m,op := range operations(open(t).server.OpenAPI()) { rows=append(rows, fmt.Sprintf("| `%s %s` | %s | %s | %s |", m, strings.TrimPrefix(op.Path,"/api/v1"), whoMay[op.OperationID], op.OperationID, op.Summary)) }
 sort.Slice(rows, func(i,j int)bool{ a:=strings.SplitN(rows[i]," ",4); b:=strings.SplitN(rows[j]," ",4); if a[2]!=b[2] {return a[2]<b[2]}; return a[1]<b[1]})
 fmt.Println(strings.Join(rows,"\n"))
}
