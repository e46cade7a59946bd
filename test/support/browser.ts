// A headless Chromium for tests, and pages whose every complaint is a failure.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContextOptions, type Page, chromium as playwright } from 'playwright-core'

const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']

/** The fonts that come with Chromium, beside the system's: pages then look the same wherever the tests run. */
const fonts = (cache: string) =>
  `<fontconfig><dir>${tmpdir()}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${cache}</cachedir></fontconfig>`

export async function launchBrowser(): Promise<Browser> {
  const executablePath = await chromium.executablePath()
  const folder = mkdtempSync(join(tmpdir(), 'tessera-fonts-'))
  writeFileSync(join(folder, 'fonts.conf'), fonts(folder))
  return playwright.launch({
    executablePath,
    args: [...flags, '--disable-component-update', '--disable-sync'],
    env: { HOME: folder, FONTCONFIG_FILE: join(folder, 'fonts.conf') },
  })
}

export interface WatchedPage {
  readonly page: Page
  /** Errors in the console, violations of a content security policy among them, and failed requests. */
  readonly complaints: string[]
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext(options)
  // Shorter than a test may take, so that it is told what was waited for.
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => {
    // A page that is left before its picture has come is no fault.
    if (request.resourceType() === 'image' && request.failure()?.errorText === 'net::ERR_ABORTED') return
    complaints.push(`${request.url()}: ${request.failure()?.errorText}`)
  })
  return { page, complaints }
}
