// The custom element that draws a plot, on pages that have one.

const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
// Plots; the table beneath each has the same figures.
const palette = () => {
  const isDark =
    document.documentElement.dataset.theme === 'dark' ||
    (document.documentElement.dataset.theme !== 'light' && systemIsDark.matches)
  return isDark
    ? { lines: ['#6cbcf0', '#f0bf5a', '#63cf9a', '#ff8f88', '#c6a3f5'], ink: '#a9b6c3', grid: '#2e3b48' }
    : { lines: ['#0a5c8a', '#7a4d00', '#10693f', '#a3211d', '#5b3a99'], ink: '#4d5b69', grid: '#d0d8df' }
}
customElements.define(
  'line-plot',
  class extends HTMLElement {
    connectedCallback() {
      this.setAttribute('role', 'img')
      this.setAttribute('aria-label', this.getAttribute('label'))
      this.onTick = () => {
        this.count = (this.count ?? 0) + 1
        if (this.count % 2 === 0) this.load()
      }
      this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()))
      this.resized.observe(this)
      document.body.addEventListener('tick', this.onTick)
      this.load()
    }
    disconnectedCallback() {
      document.body.removeEventListener('tick', this.onTick)
      this.resized.disconnect()
      this.plot?.destroy()
    }
    size() {
      return { width: Math.max(200, this.clientWidth - 16), height: 200 }
    }
    async load() {
      const headers = this.tag ? { 'If-None-Match': this.tag } : {}
      const answer = await fetch(this.getAttribute('src'), { headers }).catch(() => undefined)
      if (answer?.status !== 200 || !this.isConnected) return
      this.tag = answer.headers.get('etag')
      this.draw(await answer.json())
    }
    draw(data) {
      if (this.plot && this.plot.data.length === data.length) return this.plot.setData(data)
      this.plot?.destroy()
      const { lines, ink, grid } = palette()
      const names = JSON.parse(this.getAttribute('names') ?? '[]')
      const unit = this.getAttribute('unit') ?? ''
      const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } }
      const series = data.slice(1).map((_, at) => ({
        label: names[at] ?? unit,
        stroke: lines[at % lines.length],
        width: 2,
        dash: at > 0 ? [4 + 4 * at, 4] : undefined,
      }))
      const utcDates = (s) =>
        document.documentElement.dataset.times === 'utc'
          ? uPlot.tzDate(new Date(s * 1000), 'Etc/UTC')
          : new Date(s * 1000)
      this.plot = new uPlot(
        { ...this.size(), tzDate: utcDates, series: [{}, ...series], axes: [axis, { ...axis, label: unit, size: 70 }] },
        data,
        this,
      )
    }
  },
)
