/** Chromium, as the tests of pages drive it: the program of this machine, with a profile of its own, and nothing beside it. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Quiet, and content with a container: it loads pages of this machine alone. */
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Path of the program; undefined where this machine has none. */
export function findChromium(path = process.env.PATH ?? ''): string | undefined {
  const places = path.split(delimiter).flatMap((directory) => NAMES.map((name) => join(directory, name)))
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A browser without a window; the caller closes it. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  return chromium.launch({ executablePath, args: FLAGS })
}
