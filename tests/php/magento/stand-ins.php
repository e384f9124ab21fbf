<?php

/**
 * What the module needs of Magento, as thin as it can be: an object of data, a configuration, flags, a database (SQLite
 * behind the few calls of Magento's adapter that the module makes), HTTP that is answered by the test.
 */

declare(strict_types=1);

namespace {
    function __(string $text, mixed ...$values): Magento\Framework\Phrase
    {
        return new Magento\Framework\Phrase($text, is_array($values[0] ?? null) ? $values[0] : $values);
    }
}

namespace Psr\Log {
    interface LoggerInterface
    {
    }

    class Silent implements LoggerInterface
    {
        public array $lines = [];

        public function __call(string $level, array $arguments): void
        {
            $this->lines[] = $arguments[0];
        }
    }
}

namespace Magento\Framework {
    class Phrase
    {
        public function __construct(private string $text, private array $values = [])
        {
        }

        public function __toString(): string
        {
            $found = $this->text;
            foreach (array_values($this->values) as $at => $value) {
                $found = str_replace('%' . ($at + 1), (string)$value, $found);
            }
            foreach ($this->values as $name => $value) {
                $found = str_replace("%$name", (string)$value, $found);
            }
            return $found;
        }
    }

    class DataObject
    {
        public function __construct(protected array $data = [])
        {
        }

        public function __call(string $name, array $arguments): mixed
        {
            $key = strtolower((string)preg_replace('/(?<!^)[A-Z]/', '_$0', substr($name, 3)));
            return str_starts_with($name, 'set') ? $this->setData($key, $arguments[0]) : $this->getData($key);
        }

        public function getData(?string $key = null): mixed
        {
            return $key === null ? $this->data : ($this->data[$key] ?? null);
        }

        public function setData(string $key, mixed $value): static
        {
            $this->data[$key] = $value;
            return $this;
        }

        public function addData(array $more): static
        {
            $this->data = array_merge($this->data, $more);
            return $this;
        }
    }

    class FlagManager
    {
        public array $all = [];

        public function getFlagData(string $code): mixed
        {
            return $this->all[$code] ?? null;
        }

        public function saveFlag(string $code, mixed $value): bool
        {
            $this->all[$code] = json_decode((string)json_encode($value), true);
            return true;
        }
    }

    class UrlInterface
    {
        public const URL_TYPE_WEB = 'web';
    }
}

namespace Magento\Framework\Exception {
    class LocalizedException extends \Exception
    {
        public function __construct(\Magento\Framework\Phrase $phrase)
        {
            parent::__construct((string)$phrase);
        }
    }

    class InputException extends LocalizedException
    {
        public static function requiredField(string $name): self
        {
            return new self(__('"%fieldName" is required. Enter and try again.', ['fieldName' => $name]));
        }
    }

    class AlreadyExistsException extends LocalizedException
    {
    }
}

namespace Magento\Framework\Webapi {
    class Exception extends \Magento\Framework\Exception\LocalizedException
    {
        public const HTTP_FORBIDDEN = 403;

        public function __construct(\Magento\Framework\Phrase $phrase, int $code = 0, public int $httpCode = 400)
        {
            parent::__construct($phrase);
        }
    }
}

namespace Magento\Framework\DB\Adapter {
    class DuplicateException extends \Exception
    {
    }

    /**
     * The calls of Magento's adapter that the module makes, over SQLite.
     */
    class Adapter
    {
        public function __construct(public \PDO $pdo)
        {
        }

        public function select(): \Magento\Framework\DB\Select
        {
            return new \Magento\Framework\DB\Select();
        }

        public function insertMultiple(string $table, array $rows): void
        {
            foreach ($rows as $row) {
                $this->insert($table, $row);
            }
        }

        public function insert(string $table, array $row): void
        {
            $marks = implode(', ', array_fill(0, count($row), '?'));
            try {
                $this->run("INSERT INTO $table (" . implode(', ', array_keys($row)) . ") VALUES ($marks)", array_values($row));
            } catch (\PDOException $error) {
                throw str_contains($error->getMessage(), 'UNIQUE') ? new DuplicateException('Duplicate entry') : $error;
            }
        }

        public function update(string $table, array $bind, array $where): void
        {
            $set = implode(', ', array_map(static fn (string $name): string => "$name = ?", array_keys($bind)));
            [$on, $values] = $this->conditions($where);
            $this->run("UPDATE $table SET $set WHERE $on", [...array_values($bind), ...$values]);
        }

        public function delete(string $table, array $where): void
        {
            [$on, $values] = $this->conditions($where);
            $this->run("DELETE FROM $table WHERE $on", $values);
        }

        public function fetchAll(\Magento\Framework\DB\Select $select): array
        {
            return $this->run((string)$select, $select->values)->fetchAll(\PDO::FETCH_ASSOC);
        }

        public function fetchRow(\Magento\Framework\DB\Select $select): array|false
        {
            return $this->fetchAll($select)[0] ?? false;
        }

        public function fetchOne(\Magento\Framework\DB\Select $select): mixed
        {
            $row = $this->fetchRow($select);
            return $row ? reset($row) : false;
        }

        public function fetchCol(\Magento\Framework\DB\Select $select): array
        {
            return array_map(static fn (array $row): mixed => reset($row), $this->fetchAll($select));
        }

        private function conditions(array $where): array
        {
            [$parts, $values] = [[], []];
            foreach ($where as $part => $value) {
                $list = is_array($value) ? array_values($value) : [$value];
                $parts[] = str_replace('?', implode(', ', array_fill(0, count($list), '?')), $part);
                array_push($values, ...$list);
            }
            return [implode(' AND ', $parts), $values];
        }

        private function run(string $sql, array $values): \PDOStatement
        {
            $statement = $this->pdo->prepare($sql);
            $statement->execute($values);
            return $statement;
        }
    }
}

namespace Magento\Framework\DB {
    class Select
    {
        public array $values = [];
        private array $parts = ['columns' => '*', 'from' => '', 'where' => [], 'tail' => '', 'distinct' => ''];

        public function from(string|array $table, string|array $columns = '*'): self
        {
            $this->parts['from'] = is_array($table) ? reset($table) . ' AS ' . key($table) : $table;
            $this->parts['columns'] = is_array($columns) ? implode(', ', $columns) : $columns;
            return $this;
        }

        public function join(array $table, string $on, array $columns): self
        {
            $this->parts['from'] .= ' JOIN ' . reset($table) . ' AS ' . key($table) . " ON $on";
            $this->parts['columns'] = implode(', ', $columns);
            return $this;
        }

        public function where(string $on, mixed ...$value): self
        {
            $list = $value && is_array($value[0]) ? array_values($value[0]) : $value;
            $this->parts['where'][] = str_replace('?', implode(', ', array_fill(0, max(1, count($list)), '?')), $on);
            array_push($this->values, ...$list);
            return $this;
        }

        public function distinct(): self
        {
            $this->parts['distinct'] = 'DISTINCT ';
            return $this;
        }

        public function order(string $by): self
        {
            $this->parts['tail'] .= " ORDER BY $by";
            return $this;
        }

        public function limit(int $most): self
        {
            $this->parts['tail'] .= " LIMIT $most";
            return $this;
        }

        public function __toString(): string
        {
            $where = $this->parts['where'] ? ' WHERE ' . implode(' AND ', $this->parts['where']) : '';
            $head = "SELECT {$this->parts['distinct']}{$this->parts['columns']} FROM {$this->parts['from']}";
            return $head . $where . $this->parts['tail'];
        }
    }
}

namespace Magento\Framework\App {
    class ResourceConnection
    {
        public \Magento\Framework\DB\Adapter\Adapter $adapter;

        public function __construct()
        {
            $pdo = new \PDO('sqlite::memory:');
            $pdo->exec('CREATE TABLE storebridge_outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER, kind TEXT,
                external_id TEXT, topic TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP)');
            $pdo->exec('CREATE TABLE storebridge_order (id INTEGER PRIMARY KEY, channel TEXT, external_id TEXT,
                store_id INTEGER, increment_id TEXT, UNIQUE (channel, external_id))');
            $pdo->exec('CREATE TABLE sales_order (entity_id INTEGER PRIMARY KEY, increment_id TEXT, store_id INTEGER,
                UNIQUE (increment_id, store_id))');
            $pdo->exec('CREATE TABLE sales_order_item (item_id INTEGER PRIMARY KEY, order_id INTEGER, ext_order_item_id TEXT)');
            $pdo->exec('CREATE TABLE catalog_product_entity (entity_id INTEGER PRIMARY KEY, sku TEXT)');
            $pdo->exec('CREATE TABLE inventory_reservation (reservation_id INTEGER PRIMARY KEY, sku TEXT)');
            $this->adapter = new \Magento\Framework\DB\Adapter\Adapter($pdo);
        }

        public function getConnection(string $name = 'default'): \Magento\Framework\DB\Adapter\Adapter
        {
            return $this->adapter;
        }

        public function getTableName(string $name, string $connection = 'default'): string
        {
            return $name;
        }
    }

    class ProductMetadataInterface
    {
        public function getName(): string
        {
            return 'Magento';
        }

        public function getVersion(): string
        {
            return '2.4.8';
        }
    }

    /** Mage-OS 1.2.0, as its framework answers. */
    interface DistributionMetadataInterface
    {
        public function getDistributionName();

        public function getDistributionVersion();
    }

    class MageOsMetadata extends ProductMetadataInterface implements DistributionMetadataInterface
    {
        public function getVersion(): string
        {
            return '2.4.8-p1';
        }

        public function getDistributionName(): string
        {
            return 'Mage-OS';
        }

        public function getDistributionVersion(): string
        {
            return '1.2.0';
        }
    }
}

namespace Magento\Framework\App\Config {
    class ReinitableConfigInterface
    {
        public array $values = [];

        public function getValue(string $path): mixed
        {
            return $this->values[$path] ?? null;
        }

        public function reinit(): void
        {
        }
    }
}

namespace Magento\Framework\App\Config\Storage {
    class WriterInterface
    {
        public function __construct(private \Magento\Framework\App\Config\ReinitableConfigInterface $config)
        {
        }

        public function save(string $path, mixed $value): void
        {
            $this->config->values[$path] = $value;
        }
    }
}

namespace Magento\Framework\Encryption {
    class EncryptorInterface
    {
        public function encrypt(string $text): string
        {
            return strrev(base64_encode($text));
        }

        public function decrypt(string $text): string
        {
            return (string)base64_decode(strrev($text));
        }
    }
}

namespace Magento\Framework\Lock {
    class LockManagerInterface
    {
        public array $held = [];

        public function lock(string $name, int $timeout = -1): bool
        {
            if (isset($this->held[$name])) {
                return false;
            }
            return $this->held[$name] = true;
        }

        public function unlock(string $name): bool
        {
            unset($this->held[$name]);
            return true;
        }
    }
}

namespace Magento\Framework\HTTP\Client {
    class Curl
    {
        public array $headers = [];
        public array $options = [];
        private array $answer = [0, '', []];

        public function __construct(private CurlFactory $net)
        {
        }

        public function setHeaders(array $headers): void
        {
            $this->headers = $headers;
        }

        public function setOption(int $name, mixed $value): void
        {
            $this->options[$name] = $value;
        }

        public function setTimeout(int $seconds): void
        {
        }

        public function post(string $url, string $raw): void
        {
            $this->net->sent[] = [$url, $raw, $this->headers];
            $this->answer = ($this->net->answer)($url, $raw, $this->headers);
        }

        public function getStatus(): int
        {
            return $this->answer[0];
        }

        public function getBody(): string
        {
            return $this->answer[1];
        }

        public function getHeaders(): array
        {
            return $this->answer[2];
        }
    }

    class CurlFactory
    {
        /** @var callable */
        public $answer;
        public array $sent = [];

        public function create(): Curl
        {
            return new Curl($this);
        }
    }
}

namespace Magento\Framework\Event {
    interface ObserverInterface
    {
    }

    class Observer
    {
        public function __construct(private \Magento\Framework\DataObject $event)
        {
        }

        public function getEvent(): \Magento\Framework\DataObject
        {
            return $this->event;
        }
    }
}

namespace Magento\Framework\Model {
    class AbstractModel extends \Magento\Framework\DataObject
    {
        public function getId(): mixed
        {
            return $this->getData('entity_id');
        }
    }
}

namespace Magento\Framework\Mview {
    interface ActionInterface
    {
    }

    interface ConfigInterface
    {
    }
}

namespace Magento\Framework\Indexer {
    interface ActionInterface
    {
    }
}

namespace Magento\Store\Model {
    class Store extends \Magento\Framework\DataObject
    {
        public function getBaseUrl(string $type, bool $secure): string
        {
            return $secure ? 'https://shop.example/' : 'http://shop.example/';
        }
    }

    class StoreManagerInterface
    {
        public Store $current;

        public function __construct()
        {
            $this->current = new Store(['id' => 0, 'base_currency_code' => 'EUR']);
        }

        public function getDefaultStoreView(): Store
        {
            return new Store(['id' => 1]);
        }

        public function getStore(?int $id = null): Store
        {
            return $this->current;
        }

        public function setCurrentStore(mixed $id): void
        {
            $this->current->setData('id', $id);
        }
    }
}

namespace Magento\Integration\Model {
    class Integration extends \Magento\Framework\DataObject
    {
        public const ID = 'integration_id';
        public const NAME = 'name';
        public const ENDPOINT = 'endpoint';
        public const IDENTITY_LINK_URL = 'identity_link_url';
        public const SETUP_TYPE = 'setup_type';
        public const TYPE_CONFIG = 1;
        public const STATUS_INACTIVE = 0;

        public function getId(): mixed
        {
            return $this->getData(self::ID);
        }

        public function save(): void
        {
        }
    }
}

namespace Magento\Integration\Api {
    class IntegrationServiceInterface
    {
        public \Magento\Integration\Model\Integration $one;

        public function __construct()
        {
            $data = ['integration_id' => 7, 'name' => 'Storebridge', 'consumer_id' => 3];
            $this->one = new \Magento\Integration\Model\Integration($data);
        }

        public function findByName(string $name): \Magento\Integration\Model\Integration
        {
            return $this->one;
        }

        public function update(array $data): \Magento\Integration\Model\Integration
        {
            return $this->one->addData($data);
        }
    }

    class OauthServiceInterface
    {
        public array $calls = [];

        public function __call(string $name, array $arguments): mixed
        {
            $this->calls[] = [$name, ...$arguments];
            return new \Magento\Framework\DataObject(['key' => 'consumer-key']);
        }
    }
}

namespace Magento\Quote\Api\Data {
    interface CartInterface
    {
    }
}

namespace Magento\Quote\Api {
    class CartRepositoryInterface
    {
        public array $saved = [];

        public function save(mixed $quote): void
        {
            $this->saved[] = $quote;
        }
    }
}

namespace Magento\Quote\Model {
    class Quote extends \Magento\Framework\DataObject implements \Magento\Quote\Api\Data\CartInterface
    {
        public array $items = [];
        public int $next = 1;
        public array $used = [];

        public function getAllItems(): array
        {
            return $this->items;
        }

        public function getItemById(mixed $id): mixed
        {
            return $this->items[$id] ?? false;
        }

        public function reserveOrderId(): static
        {
            $number = $this->getData('reserved_order_id');
            if (!$number || in_array($number, $this->used, true)) {
                $this->setData('reserved_order_id', sprintf('%09d', $this->next++));
            }
            return $this;
        }
    }

    class QuoteValidator
    {
    }

    class QuoteManagement
    {
        /** @var callable */
        public $place;

        public function submit(Quote $quote): mixed
        {
            return ($this->place)($quote);
        }
    }
}

namespace Magento\Quote\Model\Quote\Address {
    class Total extends \Magento\Framework\DataObject
    {
        public array $amounts = [];

        public function getAllTotalAmounts(): array
        {
            return $this->amounts;
        }

        public function setTotalAmount(string $code, float $value): void
        {
            $this->amounts[$code] = $value;
        }

        public function setBaseTotalAmount(string $code, float $value): void
        {
        }
    }
}

namespace Magento\Sales\Api\Data {
    interface OrderInterface
    {
    }
}

namespace Magento\Sales\Model {
    class Order extends \Magento\Framework\Model\AbstractModel implements \Magento\Sales\Api\Data\OrderInterface
    {
        public const STATE_NEW = 'new';
        public const STATE_PROCESSING = 'processing';
        public array $items = [];
        public array $comments = [];

        public function getAllItems(): array
        {
            return $this->items;
        }

        public function canInvoice(): bool
        {
            return true;
        }

        public function addCommentToStatusHistory(string $comment): void
        {
            $this->comments[] = $comment;
        }
    }
}

namespace Magento\Sales\Api {
    class OrderRepositoryInterface
    {
        public array $orders = [];

        public function get(int $id): \Magento\Sales\Model\Order
        {
            return $this->orders[$id];
        }
    }

    class InvoiceOrderInterface
    {
        public array $made = [];

        public function execute(int $orderId, bool $capture, array $items, bool $notify): void
        {
            $this->made[] = [$orderId, $capture, $notify];
        }
    }
}

namespace Magento\CatalogInventory\Model {
    class StockState
    {
    }
}

namespace Magento\User\Model {
    class User extends \Magento\Framework\DataObject
    {
        public function getId(): mixed
        {
            return $this->getData('id');
        }
    }
}

namespace Magento\Framework\Data\Form {
    class FormKey
    {
        public function getFormKey(): string
        {
            return 'form-key';
        }
    }
}

namespace Magento\Framework {
    class AuthorizationInterface
    {
        public function __construct(private array $allowed)
        {
        }

        public function isAllowed(string $resource): bool
        {
            return in_array($resource, $this->allowed, true);
        }
    }
}

namespace Magento\Framework\View {
    class DesignInterface
    {
        public function __construct(private Design\ThemeInterface $theme)
        {
        }

        public function getDesignTheme(): Design\ThemeInterface
        {
            return $this->theme;
        }
    }
}

namespace Magento\Framework\View\Design {
    class ThemeInterface
    {
        public function __construct(private string $code, private ?self $parent = null)
        {
        }

        public function getCode(): string
        {
            return $this->code;
        }

        public function getParentTheme(): ?self
        {
            return $this->parent;
        }
    }
}

namespace Magento\Payment\Model\Method {
    class AbstractMethod extends \Magento\Framework\DataObject
    {
        public function getTitle()
        {
            return $this->getConfigData('title');
        }

        public function getConfigData($field, $storeId = null)
        {
            return $field === 'title' ? 'As the store has named it' : "its $field of store $storeId";
        }
    }
}
