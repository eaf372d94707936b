#!/usr/bin/env node
/** The command line where npm links it: `npx opslog` in this directory. */
import './node-version.mjs'

await import('../src/cli/opslog.ts')
