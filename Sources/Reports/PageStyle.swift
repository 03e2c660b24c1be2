// The style of a picture's page. Colours after Okabe and Ito (bluish green, yellow-orange, vermilion): told apart by those who do not see
// red and green, and by lightness in print without colour; beside them stand shapes, hatching and words.

enum PageStyle {
  /// So many means are told apart by their strokes.
  static let meanLines = 3

  /// The style sheet.
  static let css = """
    :root{color-scheme:light;--ink:#17222b;--muted:#52606b;--rule:#d5dce2;--wash:#f5f7f9;--blue:#0b4f8a;
    --green:#00664c;--yellow:#7a4f00;--red:#9c3000}
    *{box-sizing:border-box}
    html{background:#fff}
    body{margin:0 auto;max-width:980px;padding:28px 32px 48px;color:var(--ink);background:#fff;
    font:16px/1.45 system-ui,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
    header{border-bottom:3px solid var(--ink);padding-bottom:12px;margin-bottom:20px}
    .kicker{margin:0;color:var(--muted);font-size:.85rem;letter-spacing:.02em}
    h1{margin:2px 0 4px;font-size:1.9rem;line-height:1.15;letter-spacing:-.01em;overflow-wrap:anywhere}
    h2{margin:0;font-size:1.1rem;line-height:1.3}
    h3{margin:22px 0 2px;font-size:.95rem}
    p{margin:0 0 8px}
    .meta{color:var(--muted);margin:0}
    section{margin:26px 0}
    .now{border:1px solid var(--rule);border-left:8px solid var(--red);border-radius:6px;padding:12px 16px;background:#fff}
    .now.m-yellow{border-left-color:#e69f00}
    .now{margin:10px 0;break-inside:avoid;overflow-wrap:anywhere} .now p{margin:0 0 3px}
    .episodes table{margin-top:10px}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(205px,1fr));gap:12px;margin:20px 0}
    .tile{border:1px solid var(--rule);border-radius:8px;padding:12px 14px 10px;background:var(--wash)}
    .tile h2{font-size:.85rem;font-weight:600;color:var(--muted)}
    .tile .value{font-size:1.75rem;font-weight:650;line-height:1.25;white-space:nowrap}
    .tile .value small{font-size:.9rem;font-weight:400;color:var(--muted)}
    .tile p{margin:0;font-size:.82rem;color:var(--muted)} .tile .last{margin-top:4px;color:var(--ink)}
    .left-out{font-size:.82rem;color:var(--muted);margin:2px 0 0}
    .chip{white-space:nowrap;font-weight:600;font-size:.85rem}
    .t-green{color:var(--green);fill:var(--green)}
    .t-yellow{color:var(--yellow);fill:var(--yellow)}
    .t-red{color:var(--red);fill:var(--red)}
    .t-none{color:var(--muted);fill:var(--muted)}
    .icon{width:.95em;height:.95em;vertical-align:-.1em;margin-right:.3em}
    .swatch{width:30px;height:14px;vertical-align:-2px;margin-right:.4em;border:1px solid #9aa7b1}
    .legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:.82rem;color:var(--muted);margin:8px 0 4px;padding:0;list-style:none}
    figure{margin:22px 0 0;break-inside:avoid}
    figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:0 16px;margin-bottom:2px}
    figcaption p{margin:0;font-size:.85rem;color:var(--muted)}
    svg.curve{display:block;width:100%;height:auto;overflow:visible}
    svg text{font-size:12px;fill:var(--ink);stroke:none}
    svg .axis,svg .tick{fill:var(--muted)} svg.narrow{display:none}
    svg .end{text-anchor:end}
    svg .lane{font-size:10px}
    svg .zone{font-size:12px;font-weight:600}
    svg .zone.t-green{fill:var(--green)} svg .zone.t-yellow{fill:var(--yellow)} svg .zone.t-red{fill:var(--red)}
    svg .halo{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
    svg .halo.t-yellow{fill:var(--yellow)} svg .halo.t-red{fill:var(--red)}
    .z-green{fill:#dff1ea} .z-yellow{fill:#fbdc86} .z-red{fill:#f3b79d}
    .hatch-yellow,.hatch-red{fill:none} .hatch-yellow{stroke:#c98a00;stroke-width:1;opacity:.4} .hatch-red{stroke:#a83a00;stroke-width:1.1;opacity:.45}
    .grid{stroke:#5b6b78;stroke-opacity:.28;stroke-width:1} .grid.day{stroke-opacity:.1}
    .frame{fill:none;stroke:#7d8b96;stroke-width:1}
    .now-line,line.now{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}
    .mean{stroke-width:1.4;stroke-dasharray:7 4} .mean.t-yellow{stroke:var(--yellow)} .mean.t-red{stroke:var(--red)}
    .level{stroke:var(--red);stroke-width:1.4}
    .mean-under{fill:none;stroke:#fff;stroke-width:5;stroke-linejoin:round;opacity:.85}
    .mean-line{fill:none;stroke:#17222b;stroke-width:2.8;stroke-linejoin:round;stroke-linecap:butt}
    .mean-line.m1{stroke-dasharray:9 3} .mean-line.m2{stroke-dasharray:3 3} .swatch.stroke{border:0}
    .line{fill:none;stroke:var(--blue);stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
    .p path{stroke-width:1.3;stroke-linejoin:round}
    .p-green path{fill:var(--blue);stroke:#fff;stroke-width:.8}
    .p-none path{fill:#7d8b96;stroke:#fff;stroke-width:.8}
    .p-yellow path{fill:#e69f00;stroke:#3d2900}
    .p-red path{fill:#d55e00;stroke:#3d1400}
    .p.doubt path{fill:#fff;stroke:var(--ink);stroke-width:1.5}
    .dense .line{stroke-width:.9;stroke-opacity:.75} .dense .p-green path,.dense .p-none path{stroke:none} .dense .p path{stroke-width:.9}
    .p.p-yellow.doubt path{stroke:var(--yellow)} .p.p-red.doubt path{stroke:var(--red)}
    .p-apart path{fill:#fff;stroke:#5b6b78;stroke-width:1.7;stroke-dasharray:2.2 1.6}
    .gap rect{fill:#eef1f4;stroke:#7d8b96;stroke-dasharray:2 2} .gap path{stroke:var(--ink);stroke-width:1.7;fill:none}
    .told{stroke:var(--ink);stroke-width:.8;stroke-dasharray:1 3;opacity:.55}
    .badge text{font-size:11px;font-weight:650;text-anchor:middle}
    .badge rect{stroke:var(--ink);stroke-width:.8;fill:#fff}
    .badge.m-yellow rect{fill:#f6c04d} .badge.m-red rect{fill:#d55e00} .badge.m-red text{fill:#fff}
    table{border-collapse:collapse;width:100%;font-size:.85rem}
    caption{text-align:left}
    th,td{text-align:left;vertical-align:top;padding:4px 10px 4px 0;border-bottom:1px solid var(--rule);max-width:24em;overflow-wrap:break-word}
    th{color:var(--muted);font-weight:600;border-bottom:1.5px solid var(--ink)}
    td.time{white-space:nowrap} td.n{white-space:nowrap;font-weight:600}
    tr{break-inside:avoid}
    tr.day td{padding-top:12px;font-weight:650;border-bottom-color:var(--ink)}
    dl{margin:8px 0;font-size:.88rem} dt{font-weight:650;margin-top:8px} dd{margin:0;color:var(--muted)}
    footer{margin-top:32px;border-top:1px solid var(--rule);padding-top:10px;color:var(--muted);font-size:.8rem}
    .empty{padding:28px;border:1px dashed #9aa7b1;border-radius:8px;color:var(--muted);text-align:center}
    @media screen and (max-width:600px){body{padding:16px 14px}
    svg.wide{display:none} svg.narrow{display:block}
    .tiles{grid-template-columns:1fr}
    table,tbody,tr,td{display:block;max-width:none} thead{display:none}
    tr{padding:6px 0;border-bottom:1px solid var(--rule)} td{display:inline;border:0;padding:0 8px 0 0;overflow-wrap:anywhere}
    td.time,td.n,.chip,.tile .value{white-space:normal} td:empty{display:none} tr.day td{padding:0}
    }
    @media print{
    @page{size:A4;margin:13mm 13mm 14mm}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    html{font-size:11.5px}
    body{max-width:none;padding:0;font-size:9.5pt}
    section{margin:14pt 0} figure{margin-top:11pt}
    .tiles{grid-template-columns:repeat(4,1fr);gap:6pt;margin:10pt 0} .tile{padding:5pt 8pt}
    h2{break-after:avoid} thead{display:table-header-group} table{font-size:8pt}
    .readings{break-before:page}
    }
    """

  /// The hatchings, once a page.
  static let patterns = """
    <svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
    <pattern id="hatch-yellow" width="9" height="9" patternUnits="userSpaceOnUse"><path class="hatch-yellow" d="M-2 11L11 -2M-2 2L2 -2M7 11L11 7"/></pattern>
    <pattern id="hatch-red" width="6" height="6" patternUnits="userSpaceOnUse"><path class="hatch-red" d="M-1 -1L7 7M-1 7L7 -1"/></pattern>
    </defs></svg>

    """
}
