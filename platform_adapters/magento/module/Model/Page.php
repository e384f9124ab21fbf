<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\AuthorizationInterface;
use Magento\Framework\Data\Form\FormKey;
use Magento\Framework\View\DesignInterface;
use Magento\User\Model\User;

/**
 * The bridge's page for the admin: what is asked of it, and the stylesheet that is kept of it.
 */
class Page
{
    private const MOST_BYTES = 1048576;
    private const RIGHTS = [
        'view' => 'Storebridge_Connect::page',
        'change' => 'Storebridge_Connect::change',
        'customers' => 'Storebridge_Connect::customers',
    ];
    // Mage-OS' admin as it comes: other letters, colours and corners than Magento's, which can be chosen there too.
    private const MAGE_OS = 'MageOS/m137-admin-theme';
    private const OWN = ['path', 'form_key', 'key', 'isAjax', 'ajax'];

    public function __construct(
        private readonly Client $client,
        private readonly Memory $memory,
        private readonly FormKey $formKey,
        private readonly AuthorizationInterface $authorization,
        private readonly DesignInterface $design
    ) {
    }

    /**
     * @param array $files as PHP has them
     */
    public function asked(string $method, string $path, array $query, array $form, array $files, User $user): Told
    {
        $told = $this->client->tell('page', [
            'method' => $method,
            'path' => $path,
            'query' => (object)array_map($this->listed(...), array_diff_key($query, array_flip(self::OWN))),
            'form' => (object)array_map($this->listed(...), array_diff_key($form, array_flip(self::OWN))),
            'files' => (object)$this->files($files),
            'user' => ['id' => (string)$user->getId(), 'name' => (string)$user->getName()],
            'can' => array_keys(array_filter(self::RIGHTS, $this->authorization->isAllowed(...))),
            'locale' => (string)$user->getInterfaceLocale(),
            'frame' => [
                'skin' => $this->skin(),
                'fixed' => (object)[],
                'path_name' => 'path',
                'csrf' => ['name' => 'form_key', 'value' => $this->formKey->getFormKey()],
                'style' => substr(hash('sha256', $this->style()), 0, 12),
            ],
        ]);
        $style = $told->isGenuine ? ($told->json()['style'] ?? null) : null;
        if (is_string($style)) {
            $this->memory->set(['style' => $style]);
        }
        return $told;
    }

    public function style(): string
    {
        return (string)$this->memory->get('style');
    }

    private function skin(): string
    {
        $theme = $this->design->getDesignTheme();
        while ($theme && $theme->getCode() !== self::MAGE_OS) {
            $theme = $theme->getParentTheme();
        }
        return $theme ? 'mageos' : 'magento';
    }

    private function listed(mixed $value): array
    {
        return array_values(array_map('strval', array_filter((array)$value, 'is_scalar')));
    }

    private function files(array $files): array
    {
        [$found, $left] = [[], self::MOST_BYTES];
        foreach ($files as $name => $file) {
            $isWhole = is_array($file) && ($file['error'] ?? UPLOAD_ERR_NO_FILE) === UPLOAD_ERR_OK;
            if (!$isWhole || $file['size'] > $left || !is_uploaded_file($file['tmp_name'])) {
                continue;
            }
            $left -= $file['size'];
            $found[$name] = [
                'name' => (string)$file['name'],
                'type' => (string)$file['type'],
                'base64' => base64_encode((string)file_get_contents($file['tmp_name'])),
            ];
        }
        return $found;
    }
}
