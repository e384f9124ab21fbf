<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\App\Config\ReinitableConfigInterface;
use Magento\Framework\App\Config\Storage\WriterInterface;
use Magento\Framework\Encryption\EncryptorInterface;
use Magento\Framework\UrlInterface;
use Magento\Store\Model\StoreManagerInterface;

/**
 * The connection as the store's configuration keeps it: the bridge's address, our own address there, the secret.
 */
class Settings
{
    public const VERSION = '1.0.0';
    private const PREFIX = 'storebridge/connection/';

    public function __construct(
        private readonly ReinitableConfigInterface $config,
        private readonly WriterInterface $writer,
        private readonly EncryptorInterface $encryptor,
        private readonly StoreManagerInterface $stores
    ) {
    }

    public function bridge(): string
    {
        return rtrim((string)$this->value('bridge_url'), '/');
    }

    public function installKey(): string
    {
        return $this->decrypted('install_key');
    }

    public function secret(): string
    {
        return $this->decrypted('secret');
    }

    public function title(): string
    {
        return (string)$this->value('title');
    }

    /**
     * The address of our own connection at the bridge; empty while there is none.
     */
    public function address(): string
    {
        [$shop, $connection] = [(string)$this->value('shop'), (string)$this->value('connection')];
        $isWhole = $this->bridge() !== '' && $shop !== '' && $connection !== '';
        return $isWhole ? $this->bridge() . '/modules/' . rawurlencode($shop) . '/' . rawurlencode($connection) : '';
    }

    public function isConnected(): bool
    {
        return $this->address() !== '' && $this->secret() !== '';
    }

    /**
     * Where shoppers find the default store, with a slash at the end.
     */
    public function storeUrl(): string
    {
        $store = $this->stores->getDefaultStoreView();
        return rtrim((string)$store?->getBaseUrl(UrlInterface::URL_TYPE_WEB, true), '/') . '/';
    }

    public function apiUrl(): string
    {
        return $this->storeUrl() . 'rest/';
    }

    public function connected(string $shop, string $connection, string $title, string $secret): void
    {
        $this->save([
            'shop' => $shop,
            'connection' => $connection,
            'title' => $title,
            'secret' => $this->encryptor->encrypt($secret),
        ]);
    }

    public function disconnected(): void
    {
        $this->save(['shop' => '', 'connection' => '', 'title' => '', 'secret' => '']);
    }

    public function saveBridge(string $url): void
    {
        $this->save(['bridge_url' => rtrim($url, '/')]);
    }

    private function value(string $name): mixed
    {
        return $this->config->getValue(self::PREFIX . $name);
    }

    private function decrypted(string $name): string
    {
        $value = (string)$this->value($name);
        return $value === '' ? '' : (string)$this->encryptor->decrypt($value);
    }

    private function save(array $values): void
    {
        foreach ($values as $name => $value) {
            $this->writer->save(self::PREFIX . $name, $value);
        }
        // The values only. Magento's whole configuration cache takes a store many seconds to build anew, and the bridge
        // is about to call it back.
        $this->config->reinit();
    }
}
