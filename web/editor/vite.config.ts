import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [svelte()],
  base: '/static/editor/',
  publicDir: false,
  build: {
    outDir: process.env['EDITOR_OUT'] ?? '../static/editor.new',
    emptyOutDir: true,
    manifest: 'manifest.json',
    modulePreload: { polyfill: false },
    assetsDir: '.',
    assetsInlineLimit: 0,
    target: 'es2022',
    reportCompressedSize: false,
    rollupOptions: { input: 'src/main.ts' },
  },
  test: { include: ['tests/**/*.test.ts'] },
})
